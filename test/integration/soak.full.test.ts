import { soakTest } from './soak.js'

soakTest('load while 20 configurations change and 10 children are killed', {
  visitsPerSecond: 200,
  residents: 200,
  reloads: 20,
  kills: 10,
  visitsBetween: 200,
})

soakTest('the same with children that accept by themselves', {
  visitsPerSecond: 200,
  residents: 200,
  reloads: 20,
  kills: 10,
  visitsBetween: 100,
  spawn: ['accept = direct'],
})
