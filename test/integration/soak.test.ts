import { soakTest } from './soak.js'

soakTest('load while configurations change and children are killed', {
  visitsPerSecond: 200,
  residents: 200,
  reloads: 2,
  kills: 1,
  visitsBetween: 50,
})
