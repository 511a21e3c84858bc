import { narrowTransferTests, transferTests } from './transfers.js'

transferTests(64 * 1024 * 1024)
narrowTransferTests(4 * 1024 * 1024)
