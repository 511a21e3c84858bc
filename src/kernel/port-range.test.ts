import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { ephemeralPorts } from './port-range.js'

test('reads the ephemeral ports of the kernel, or assumes all ports', (t) => {
  const folder = mkdtempSync(`${tmpdir()}/tcprelay-`)
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(`${folder}/range`, '32768\t60999\n')
  assert.deepEqual(ephemeralPorts(`${folder}/range`), { least: 32_768, most: 60_999 })
  writeFileSync(`${folder}/range`, 'nonsense\n')
  assert.deepEqual(ephemeralPorts(`${folder}/range`), { least: 1, most: 65_535 })
  assert.deepEqual(ephemeralPorts(`${folder}/missing`), { least: 1, most: 65_535 })
  const { least, most } = ephemeralPorts()
  assert.ok(least >= 1 && least <= most && most <= 65_535)
})
