import { crowdTest } from './crowd.js'

crowdTest(1_000)
