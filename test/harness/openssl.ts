import type { TestContext } from 'node:test'
import { Dialogue } from './dialogue.js'
import type { Target } from './relay.js'
import type { IdentityFiles } from './tls.js'

/** `openssl s_client`, controlled line by line. */
export function sClient(t: TestContext, port: number, ...options: readonly string[]): Dialogue {
  return new Dialogue(t, ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, ...options])
}

export interface SServer extends Target {
  readonly dialogue: Dialogue
  readonly port: number
}

/** `openssl s_server` on a free port; `words`: the remote's block beside the address. */
export async function sServer(
  t: TestContext,
  { certFile, keyFile }: IdentityFiles,
  words: string,
  ...options: readonly string[]
): Promise<SServer> {
  const own = ['-accept', '127.0.0.1:0', '-cert', certFile, '-key', keyFile]
  const dialogue = new Dialogue(t, ['openssl', 's_server', ...own, ...options])
  const [, port] = await dialogue.saw(/ACCEPT 127\.0\.0\.1:(\d+)/)
  return { dialogue, port: Number(port), directive: `address = 127.0.0.1 port = ${port} ${words}` }
}
