/**
 * Opens the threads of reactors by the URLs of their entry points. In the bundle `import.meta.url` is the URL of
 * dist/bundle/cli/main.js, so the paths are only right in a file that is directly in the folder of a layer.
 */
import type { AcceptorThread } from './children/child-pool.js'
import { ReactorThread } from './reactors/reactor-thread.js'
import type { RelayingThread } from './reactors/relay-thread.js'

export function openRelayingThread(): RelayingThread {
  return new ReactorThread(new URL('../engine/reactor-entry.js', import.meta.url))
}

export function openAcceptorThread(): AcceptorThread {
  return new ReactorThread(new URL('../engine/acceptor-entry.js', import.meta.url))
}
