import { crowdTest } from './crowd.js'

crowdTest(5_000)
