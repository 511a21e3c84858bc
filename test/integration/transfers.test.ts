import { narrowTransferTests, transferTests } from './transfers.js'

transferTests(32 * 1024 * 1024)
narrowTransferTests(2 * 1024 * 1024)
