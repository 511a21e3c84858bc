import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawPeers } from '../harness/peers.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

const MiB = 1024 * 1024

test('a reply arrives after the client has half-closed', async (t) => {
  const remote = await remoteThat((socket) => {
    socket.on('data', () => {}).on('end', () => socket.end('bye'))
  }).start(t)
  const relay = await relayTo(remote).start(t)
  const client = await relay.connect()
  await client.send('hello')
  await client.endWriting()
  assert.equal(await client.readToEnd(), 'bye')
})

test('a client that half-closes at once is served', async (t) => {
  const remote = await remoteThat((socket) => {
    socket.on('data', () => {}).on('end', () => socket.end('anyway'))
  }).start(t)
  const relay = await relayTo(remote).start(t)
  const client = await relay.connect()
  await client.endWriting()
  assert.equal(await client.readToEnd(), 'anyway')
})

test('a client half-closes and then reads 100 MB', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const server = await peers.listen()
  const relay = await relayTo(server).start(t)
  const client = await peers.connect(relay.port())
  const accepted = await server.accept()
  await client.send('GET')
  await client.endWriting()
  assert.equal(await accepted.read(3), 'GET')
  assert.equal(await accepted.ending(), 'end')
  const [sent, got] = await Promise.all([
    accepted.sendMuch(100_000_000).then(async (transfer) => {
      await accepted.close()
      return transfer
    }),
    client.readToEnd(),
  ])
  assert.deepEqual(got, { ...sent, ending: 'end' })
})

test('a server half-closes first and then receives', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const server = await peers.listen()
  const relay = await relayTo(server).start(t)
  const client = await peers.connect(relay.port())
  const accepted = await server.accept()
  await accepted.send('ready')
  await accepted.endWriting()
  const { bytes, ending } = await client.readToEnd()
  assert.deepEqual({ bytes, ending }, { bytes: 5, ending: 'end' })
  const sending = client.sendMuch(8 * MiB).then(async (transfer) => {
    await client.close()
    return transfer
  })
  const [got, sent] = [await accepted.readToEnd(), await sending]
  assert.deepEqual(got, { ...sent, ending: 'end' })
})

test('a slow reader gets everything from a server that sends and closes at once', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const server = await peers.listen()
  const relay = await relayTo(server).start(t)
  const client = await peers.connect(relay.port(), { receiveBytes: 4096 })
  const accepted = await server.accept()
  const sending = accepted.sendMuch(2 * MiB).then(async (transfer) => {
    await accepted.close()
    return transfer
  })
  const got = await client.readToEnd({ chunkBytes: 16_384, pauseMs: 2 })
  assert.deepEqual(got, { ...(await sending), ending: 'end' })
})

test('both sides close at the same moment', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).start(t)
  const clients = await Promise.all(Array.from({ length: 50 }, () => relay.connect()))
  await Promise.all(clients.map((client) => client.exchange('x')))
  await Promise.all([...clients.map((client) => client.endWriting()), remote.stop()])
  await relay.isIdle()
})
