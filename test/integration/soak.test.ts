import { soakTest } from './soak.js'

soakTest('load while configurations change and children are killed', {
  visitsPerSecond: 200,
  residents: 200,
  reloads: 6,
  kills: 3,
  visitsBetween: 50,
})
