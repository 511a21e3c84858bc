// Bundles the built modules into one file per entry point of a process or thread: the program starts in half the
// time, with a third less memory.
import { spawnSync } from 'node:child_process'
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const OUT = 'dist/bundle'

// Files of an older bundle would not be loaded, and bin/run-program.js checks how old the bundle is.
rmSync(OUT, { recursive: true, force: true })
const ENTRIES = ['cli/main', 'engine/reactor-entry', 'engine/acceptor-entry']
await build({
  entryPoints: ENTRIES.map((name) => ({ in: `dist/src/${name}.js`, out: `${name}.code` })),
  // In folders like those of the modules, and as deep: paths relative to a module stay valid.
  outbase: 'dist/src',
  outdir: OUT,
  bundle: true,
  // Not ES modules: Node loads those with four additional threads, and copies what `node:` exports.
  format: 'cjs',
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href' },
  platform: 'node',
  target: 'node20',
  // koffi finds its native library beside its own files.
  external: ['koffi'],
  // The source text stays in memory. Names are kept for readable stacks.
  minifyWhitespace: true,
  lineLimit: 160,
  logLevel: 'warning',
})
writeFileSync(`${OUT}/package.json`, '{ "type": "commonjs" }\n')
copyFileSync('scripts/load-cached.cjs', `${OUT}/load-cached.cjs`)
for (const name of ENTRIES) cacheCode(name)

/** Makes an entry point of a file and of the code that V8 compiles for it. */
function cacheCode(name) {
  const code = `${basename(name)}.code.js`
  const text = `require('../load-cached.cjs').loadCached(module, require('node:path').join(__dirname, '${code}'))\n`
  writeFileSync(`${OUT}/${name}.js`, text)
  // A check of a configuration calls most of what a start does. Reactors cannot run here: their code is only parsed.
  const words = name === 'cli/main' ? ['-P', 'examples/standby.cfg'] : []
  const command = ['scripts/cache-code.cjs', `${OUT}/${name}.code.js`, ...words]
  const { error, status } = spawnSync(process.execPath, command, { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw error ?? new Error(`${name}: its code cannot be compiled`)
}
