// Bundles the built modules into one file per entry point of a process or thread: the program starts in half the
// time, with a third less memory.
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { compile } from './load-cached.cjs'
import { store } from './record-code.cjs'
import { warmUp } from './warm-up.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const OUT = 'dist/bundle'

// Files of an older bundle would not be loaded, and bin/run-program.js checks how old the bundle is.
rmSync(OUT, { recursive: true, force: true })
const ENTRIES = [
  'cli/main',
  'cli/tcprelayctl',
  'engine/reactor-entry',
  'engine/acceptor-entry',
  'admin/open-admin',
]
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
  // An `import()` of a bundled file is a `require`: compiled code has no other.
  supported: { 'dynamic-import': false },
  plugins: [{ name: 'admin', setup: (made) => made.onResolve({ filter: /\/open-admin\.js$/ }, ofAdmin) }],
  // The source text stays in memory. Names are kept for readable stacks.
  minifyWhitespace: true,
  lineLimit: 160,
  logLevel: 'warning',
})
writeFileSync(`${OUT}/package.json`, '{ "type": "commonjs" }\n')
copyFileSync('scripts/load-cached.cjs', `${OUT}/load-cached.cjs`)
copyFileSync('scripts/record-code.cjs', `${OUT}/record-code.cjs`)
// Parsed only, in case that the program cannot run here.
for (const name of ENTRIES) store(compile(`${OUT}/${name}.code.js`))
writeEntries('record-code.cjs', 'loadRecording')
await warmUp().catch((error) =>
  console.error(`Code is compiled at the start, not in advance: ${error.message}`),
)
writeEntries('load-cached.cjs', 'loadCached')
rmSync(`${OUT}/record-code.cjs`)

/** The administration is a file of its own, because few processes load it. */
function ofAdmin({ kind }) {
  return kind === 'dynamic-import' ? { path: '../admin/open-admin.js', external: true } : undefined
}

/** Makes an entry point of each file and of the code that V8 compiles for it. */
function writeEntries(loader, load) {
  for (const name of ENTRIES) {
    const code = `require('node:path').join(__dirname, '${basename(name)}.code.js')`
    writeFileSync(`${OUT}/${name}.js`, `require('../${loader}').${load}(module, ${code})\n`)
  }
}
