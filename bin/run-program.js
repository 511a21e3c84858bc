import { existsSync } from 'node:fs'

const MAIN = new URL('../dist/src/cli/main.js', import.meta.url)

/** Fewer open files than this are not enough to load the program's modules and to serve; also in start-up.ts. */
const DESCRIPTORS_MIN = 64

/** Runs the built program, and says what to do where it was not built yet. */
export async function runProgram(name) {
  if (!existsSync(MAIN)) {
    console.error(`${name} is not built yet: run 'npm start' or 'npm run build' in its folder once`)
    process.exitCode = 69
    return
  }
  try {
    const { main } = await import(MAIN)
    await main(name)
  } catch (error) {
    if (error?.code !== 'EMFILE') throw error
    console.error(
      `${name}: cannot start: too few open files are allowed, at least ${DESCRIPTORS_MIN} are needed (ulimit -n, LimitNOFILE)`,
    )
    process.exit(71)
  }
}
