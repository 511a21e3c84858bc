/** Checks `starttls` of listeners. */
import { hasOtherChildren } from './check-datagrams.js'
import type { Problems } from './problems.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'

/** Clients of these wait for the server to speak. */
const SERVER_FIRST: readonly string[] = ['smtp', 'imap', 'pop3', 'ftp']

export function checkListenerStarttls(spawnd: SpawndSettings, problems: Problems): void {
  const areOthers = hasOtherChildren(spawnd)
  for (const listener of spawnd.listeners) {
    const { deferAcceptMs, hasMistakes, portIndex, starttls, starttlsName } = listener
    if (portIndex > 0 || hasMistakes) continue
    if (starttls === undefined) {
      if (starttlsName !== undefined)
        problems.error(listener.position, "'starttls name' has no effect without 'starttls'")
      continue
    }
    const [message, hint] = mistake(listener, starttls.value, areOthers) ?? []
    if (message !== undefined) problems.error(starttls.position, message, { hint })
    else if (deferAcceptMs > 0 && SERVER_FIRST.includes(starttls.value)) {
      const text = `'defer accept' delays all clients: with 'starttls = ${starttls.value}' the server speaks first`
      problems.warn(listener.position, text)
    }
  }
}

function mistake(
  { tls }: ListenerSettings,
  name: string,
  areOthers: boolean,
): readonly [message: string, hint?: string] | undefined {
  if (name === 'mysql') {
    return [
      "'starttls = mysql' is not possible for a listener: the client's password is hashed with a random value of the remote's greeting",
      "relay MySQL without 'tls', so that server and client agree on TLS themselves",
    ]
  }
  if (areOthers) return ["'starttls' requires children of this program"]
  switch (tls.kind) {
    case 'on':
      return undefined
    case 'off':
      return ["'starttls' requires TLS", "add 'tls = yes'"]
    case 'auto':
      return ["'starttls' cannot be used with 'tls = auto': clients have to ask for TLS", "use 'tls = yes'"]
    case 'pass':
      return ["'starttls' cannot be used with 'tls = pass': TLS has to be terminated here", "use 'tls = yes'"]
  }
}
