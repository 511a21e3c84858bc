import { hostileTests } from './tls-hostile.js'

hostileTests(200)
