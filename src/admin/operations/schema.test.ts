import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, jsonSchema, list, object, optional, text, word } from './schema.js'

test('is a JSON schema that allows nothing else', () => {
  const schema = object({
    name: text('Name.'),
    state: optional(word(['a', 'b'], '')),
    all: list(count('One.'), 'All.'),
  })
  assert.deepEqual(jsonSchema(schema), {
    type: 'object',
    properties: {
      name: { description: 'Name.', type: 'string' },
      state: { type: 'string', enum: ['a', 'b'] },
      all: {
        description: 'All.',
        type: 'array',
        items: { description: 'One.', type: 'integer', minimum: 0 },
      },
    },
    required: ['name', 'all'],
    additionalProperties: false,
  })
})
