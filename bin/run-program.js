const { existsSync, statSync } = require('node:fs')
const { join } = require('node:path')

const BUILT = join(__dirname, '../dist')

/** Written with the modules, also if they have not been bundled since. It is not part of a package. */
const BUILD_RECORD = join(BUILT, '.tsbuildinfo')

/** Minimum of open files to load the program's modules and to serve; also in start-up.ts. */
const DESCRIPTORS_MIN = 64

/** Runs the built program, and reports it if it was not built yet. `entry`: its first module. */
async function runProgram(name, entry = 'cli/main') {
  // The compiler's output, a file for each module, and the same in one file, which loads much faster (scripts/bundle.mjs).
  const modules = join(BUILT, 'src', `${entry}.js`)
  const bundle = join(BUILT, 'bundle', `${entry}.js`)
  if (!existsSync(modules)) {
    console.error(`${name} is not built yet: run 'npm start' or 'npm run build' in its folder once`)
    process.exitCode = 69
    return
  }
  try {
    const { main } = isBundleOfModules(bundle) ? require(bundle) : await import(modules)
    await main(name)
  } catch (error) {
    if (error?.code !== 'EMFILE') throw error
    console.error(
      `${name}: cannot start: too few open files are allowed, at least ${DESCRIPTORS_MIN} are needed (ulimit -n, LimitNOFILE)`,
    )
    process.exit(71)
  }
}

/** Whether the bundle is as new as the modules. */
function isBundleOfModules(bundle) {
  const bundledMs = changedMs(bundle)
  return bundledMs !== undefined && bundledMs >= (changedMs(BUILD_RECORD) ?? 0)
}

function changedMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs
}

module.exports = { runProgram }
