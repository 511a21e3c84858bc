/** The HTTP API at one place, with Fastify. */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { type AdminLevel, permits } from '../../base/admin-level.js'
import type { AdminPlace } from '../../config/table-admin.js'
import type { RunningHead } from '../../control/head.js'
import { RateLimitedLog } from '../../observe/rate-limited-log.js'
import { ERR, NOTICE } from '../../observe/severity.js'
import { version } from '../../services/version.js'
import { ANSWERS } from '../answers/answers.js'
import { Refused } from '../answers/refused.js'
import { OPENMETRICS_TYPE } from '../metrics/metric-text.js'
import { openApi, problemAnswer } from '../operations/open-api.js'
import { METRICS_PATH, OPENAPI_PATH, type Operation, pathOf } from '../operations/operation.js'
import { OPERATIONS } from '../operations/operations.js'
import { jsonSchema, objectSchema } from '../operations/schema.js'
import { browserProblem } from './browser-guard.js'
import { listenAt } from './listen-at.js'
import { Tokens } from './tokens.js'

/** No operation has parameters of that size. */
const BODY_BYTES_MAX = 64 * 1024
const HEADER_BYTES_MAX = 8 * 1024
/** A client that sends its request more slowly is disconnected. */
const REQUEST_MAX_MS = 5_000
const KEPT_ALIVE_MS = 5_000
/** The head has descriptors for other purposes. */
const CONNECTIONS_MAX = 64

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a client of the route needs. */
    level?: AdminLevel
  }
}

export interface ServerParts {
  readonly head: RunningHead
  /** The text of `/metrics`. */
  metrics(): string
}

export class AdminServer {
  readonly #app: FastifyInstance
  readonly #parts: ServerParts
  readonly #rejections: RateLimitedLog
  #place: AdminPlace
  #tokens: Tokens

  constructor(place: AdminPlace, parts: ServerParts) {
    this.#place = place
    this.#parts = parts
    this.#tokens = tokensOf(place)
    this.#rejections = new RateLimitedLog(NOTICE, parts.head.say)
    this.#app = fastify({
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: REQUEST_MAX_MS,
      keepAliveTimeout: KEPT_ALIVE_MS,
      forceCloseConnections: 'idle',
      exposeHeadRoutes: false,
      http: {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: REQUEST_MAX_MS,
        connectionsCheckingInterval: 1_000,
      },
      // Unknown parameters are errors: a misspelled one must not be ignored.
      ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
    })
    // Browsers send text without asking the server before (CORS), and JSON not.
    this.#app.removeContentTypeParser('text/plain')
    this.#app.server.maxConnections = CONNECTIONS_MAX
    this.#app.addHook('onRequest', (request, reply, done) => this.#admit(request, reply, done))
    this.#app.setErrorHandler((error, request, reply) => this.#fail(error, request, reply))
    this.#app.setNotFoundHandler((request, reply) => this.#notFound(request, reply))
    this.#addRoutes()
  }

  /** The same socket with other tokens, names or another level. */
  follow(place: AdminPlace): void {
    this.#place = place
    this.#tokens = tokensOf(place)
  }

  /** Resolves with the name of the place when it listens; throws if it cannot. */
  async open(): Promise<string> {
    await this.#app.ready()
    return listenAt(this.#app.server, this.#place)
  }

  async close(): Promise<void> {
    const { server } = this.#app
    // Not by Fastify, which has not opened it. The socket file is removed with it. Answers that are being sent are completed.
    if (server.listening) server.close()
    server.closeIdleConnections()
    await this.#app.close()
  }

  #addRoutes(): void {
    for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) this.#addOperation(name, operation)
    const config = { level: 'read' } as const
    this.#app.get(METRICS_PATH, { config }, async (_request, reply) => {
      await reply.type(OPENMETRICS_TYPE).send(this.#parts.metrics())
    })
    this.#app.get(OPENAPI_PATH, { config }, async () => openApi(version()))
  }

  #addOperation(name: string, { answer, isRead, level, parameters }: Operation): void {
    const given = objectSchema(parameters)
    const hasParameters = Object.keys(parameters).length > 0
    const failure = jsonSchema(problemAnswer)
    this.#app.route({
      method: isRead ? 'GET' : 'POST',
      url: pathOf(name),
      config: { level },
      schema: {
        ...(isRead ? { querystring: given } : {}),
        ...(!isRead && hasParameters ? { body: given } : {}),
        response: { 200: jsonSchema(answer), '4xx': failure, '5xx': failure },
      },
      handler: async (request) => {
        const { head } = this.#parts
        const values = isRead ? request.query : (request.body ?? {})
        // The table and its functions have the same names, and Fastify has checked the values by the schema of the name.
        const answerTo = ANSWERS[name as keyof typeof ANSWERS] as (
          head: RunningHead,
          values: unknown,
        ) => unknown
        if (!isRead)
          head.say(NOTICE, `${this.#clientOf(request)} requests: ${name} ${JSON.stringify(values)}`)
        return answerTo(head, values)
      },
    })
  }

  /** Before the body is read. */
  #admit(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    const place = this.#place
    if (place.kind === 'tcp') {
      const { host, origin } = request.headers
      const problem = browserProblem({ host, origin }, place.hostNames)
      if (problem !== undefined) {
        this.#reject(request, reply, 403, problem)
        return
      }
    }
    const level = place.kind === 'unix' ? place.level : this.#tokens.levelOf(request.headers.authorization)
    const { level: needed = 'read' } = request.routeOptions.config
    if (level === undefined) {
      reply.header('www-authenticate', 'Bearer')
      this.#reject(request, reply, 401, 'the token is missing or unknown')
    } else if (!permits(level, needed)) {
      this.#reject(request, reply, 403, `this needs the level '${needed}', and the client has '${level}'`)
    } else done()
  }

  #reject(request: FastifyRequest, reply: FastifyReply, status: number, problem: string): void {
    this.#rejections.log(performance.now(), () => {
      return `rejected a request of ${this.#clientOf(request)}: ${problem}`
    })
    // The rest of the request is not read.
    reply.code(status).header('connection', 'close').send({ error: problem })
  }

  #notFound(request: FastifyRequest, reply: FastifyReply): void {
    const [path = ''] = request.url.split('?')
    const other = request.method === 'GET' ? 'POST' : 'GET'
    if (this.#app.hasRoute({ url: path, method: other }))
      return void reply
        .code(405)
        .header('allow', other)
        .send({ error: `${path} takes ${other}` })
    reply.code(404).send({ error: 'there is no such path' })
  }

  #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const message = error instanceof Error ? error.message : String(error)
    const status = error instanceof Refused ? error.status : statusOf(error)
    if (status < 500) return void reply.code(status).send({ error: message })
    this.#parts.head.say(ERR, `internal error while answering ${request.routeOptions.url}: ${message}`)
    reply.code(status).send({ error: 'internal error: see the log' })
  }

  #clientOf({ socket }: FastifyRequest): string {
    const place = this.#place
    const { remoteAddress, remotePort } = socket
    return place.kind === 'unix'
      ? `an administrator at ${place.path}`
      : `administrator ${remoteAddress}:${remotePort}`
  }
}

function tokensOf(place: AdminPlace): Tokens {
  return new Tokens(place.kind === 'tcp' ? place.tokens : [])
}

/** Fastify's own errors, such as a body that is too long, have one. */
function statusOf(error: unknown): number {
  const hasStatus = typeof error === 'object' && error !== null && 'statusCode' in error
  return hasStatus && typeof error.statusCode === 'number' ? error.statusCode : 500
}
