import { ambiguousTests, hostileTests } from './tls-hostile.js'

hostileTests(2_000)
ambiguousTests(2_000)
