import { transportTests } from './transports.js'

transportTests('yes', ['endings', 'interactive'])
