// `npm start` runs the built-in demonstration, `npm start -- my.cfg` a configuration.
process.on('SIGUSR1', () => {}) // without a handler Node would open its inspector
await import('../bin/early-signals.js')
const words = process.argv.slice(2)
if (words.length === 0) {
  const { runDemo } = await import('../dist/src/cli/demo.js')
  await runDemo()
} else {
  const { main } = await import('../dist/src/cli/main.js')
  await main('tcprelay', words, 'tcprelay')
}
