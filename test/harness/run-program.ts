import { spawn } from 'node:child_process'

export interface Outcome {
  readonly status: number | null
  readonly output: string
}

/** Runs a program to its end. Not by spawnSync, because this process is its peer in some tests. */
export function run(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const [file = '', ...words] = command
  return new Promise((resolve) => {
    const child = spawn(file, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    child.on('close', (status) => resolve({ status, output }))
  })
}
