/** Asks a relay over its Unix socket. */
import { request } from 'node:http'
import { pathOf } from '../operations/operation.js'
import type { Asked } from './arguments.js'

/** The answer, or why there is none. */
export type Reply =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  | { readonly kind: 'unreachable'; readonly problem: string }

/** A relay that hangs must not block a script. */
const ANSWER_MAX_MS = 60_000

export function ask({ name, operation, socket, values }: Asked): Promise<Reply> {
  const query = new URLSearchParams(
    Object.entries(values).map(([key, value]): [string, string] => [key, String(value)]),
  )
  const hasQuery = operation.isRead && query.size > 0
  const body = operation.isRead || Object.keys(values).length === 0 ? undefined : JSON.stringify(values)
  return new Promise((resolve) => {
    const asking = request(
      {
        socketPath: socket,
        path: pathOf(name) + (hasQuery ? `?${query}` : ''),
        method: operation.isRead ? 'GET' : 'POST',
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        timeout: ANSWER_MAX_MS,
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
        })
        response.on('end', () => resolve({ kind: 'answer', status: response.statusCode ?? 0, body: text }))
        response.on('error', (error) => resolve(unreachable(error)))
      },
    )
    asking.on('timeout', () => asking.destroy(new Error(`no answer within ${ANSWER_MAX_MS / 1_000} s`)))
    asking.on('error', (error) => resolve(unreachable(error)))
    asking.end(body)
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket: has the configuration of the relay an `admin` block?',
  ECONNREFUSED: 'no relay listens there',
  EACCES: 'permission denied',
}

function unreachable(error: Error): Reply {
  const code = 'code' in error ? String(error.code) : ''
  return { kind: 'unreachable', problem: REASONS[code] ?? error.message }
}
