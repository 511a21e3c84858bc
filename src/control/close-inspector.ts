import { close, url } from 'node:inspector'

/**
 * Closes the inspector that Node opens to everybody on this machine when SIGUSR1 comes before our handler. Who
 * asked for an inspector on the command line keeps it.
 */
export function closeInspector(): void {
  const asked = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((word) =>
    word.includes('--inspect'),
  )
  if (!asked && url() !== undefined) close()
}
