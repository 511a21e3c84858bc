import { once } from 'node:events'
import { createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'

/** An agent beside a server (`type = agent`), which gives the present answer to everybody. */
export interface Agent {
  answer: string
  readonly port: number
}

export async function agentThat(t: TestContext, answer: string): Promise<Agent> {
  const server = createServer((socket) => socket.on('error', () => {}).end(`${agent.answer}\n`))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = server.address()
  const agent = { answer, port: typeof place === 'object' ? (place?.port ?? 0) : 0 }
  afterwards(t, () => void server.close())
  return agent
}
