import { testInGuest } from './guest.js'

testInGuest('SCTP, in User Mode Linux', 'sctp-cases')
testInGuest('further SCTP, in User Mode Linux', 'sctp-further-cases')
