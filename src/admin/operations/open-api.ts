/** The description of the HTTP API in OpenAPI 3.1. */
import { METRICS_PATH, OPENAPI_PATH, type Operation, pathOf } from './operation.js'
import { OPERATIONS } from './operations.js'
import { type JsonSchema, jsonSchema, object, objectSchema, text } from './schema.js'

/** Of all answers that are no success. */
export const problemAnswer = object({ error: text('What is wrong, in one line.') })

/** By status: other answers of every path. */
const FAILURES: Readonly<Record<string, string>> = {
  400: 'The parameters are wrong.',
  401: 'The token is missing or unknown.',
  403: 'The level of the client is too low, or a browser sent the request for a page of another origin.',
  404: 'There is no such thing.',
}

export function openApi(version: string): JsonSchema {
  const paths = Object.entries<Operation>(OPERATIONS).map(([name, operation]) => [
    pathOf(name),
    { [operation.isRead ? 'get' : 'post']: described(name, operation) },
  ])
  const plain = (summary: string, type: string) => ({
    get: { summary, responses: { 200: { description: summary, content: { [type]: {} } } } },
  })
  return {
    openapi: '3.1.0',
    info: { title: 'tcprelay', description: 'Administration of a running relay.', version },
    // Without a token only over Unix sockets.
    security: [{ token: [] }, {}],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    paths: {
      ...Object.fromEntries(paths),
      [METRICS_PATH]: plain('Metrics.', 'application/openmetrics-text'),
      [OPENAPI_PATH]: plain('This description.', 'application/json'),
    },
  }
}

function described(name: string, { answer, doc, isRead, level, parameters }: Operation): JsonSchema {
  const hasParameters = Object.keys(parameters).length > 0
  const query = Object.entries(parameters).map(([key, schema]) => {
    const { description, ...shape } = jsonSchema(schema)
    return { name: key, in: 'query', description, required: schema.isOptional !== true, schema: shape }
  })
  const requestBody = { required: true, content: jsonContent(objectSchema(parameters)) }
  const failures = Object.entries(FAILURES).map(([status, description]) => {
    return [status, { description, content: jsonContent(jsonSchema(problemAnswer)) }]
  })
  return {
    operationId: name,
    summary: doc,
    description: `Needs the level ${level}.`,
    ...(isRead && hasParameters ? { parameters: query } : {}),
    ...(!isRead && hasParameters ? { requestBody } : {}),
    responses: {
      200: { description: doc, content: jsonContent(jsonSchema(answer)) },
      ...Object.fromEntries(failures),
    },
  }
}

function jsonContent(schema: JsonSchema) {
  return { 'application/json': { schema } }
}
