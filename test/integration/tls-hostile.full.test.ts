import { hostileTests } from './tls-hostile.js'

hostileTests(2_000)
