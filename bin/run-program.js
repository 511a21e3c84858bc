import { existsSync } from 'node:fs'

const MAIN = new URL('../dist/src/cli/main.js', import.meta.url)

/** Runs the built program, and says what to do where it was not built yet. */
export async function runProgram(name) {
  if (!existsSync(MAIN)) {
    console.error(`${name} is not built yet: run 'npm start' or 'npm run build' in its folder once`)
    process.exitCode = 69
    return
  }
  const { main } = await import(MAIN)
  await main(name)
}
