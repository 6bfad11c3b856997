import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { expected, grant, listOf, section, whole } from './fields.ts'

const KIB = 1024
const MIB = 1024 * KIB
const RULES_MAX = 100
const HOST = /^(\*|(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\])$/
const METHOD = /^(\*|[A-Z!#$%&'+.^_`|~0-9-]{1,20})$/

const host = z
  .string(expected('text'))
  .max(255, 'must be at most 255 characters')
  .regex(HOST, 'must be a host in lower case (international names as xn--…), "*.example.com", "[::1]" or "*"')
  .meta({ description: 'A host, `*.example.com` for every name below that one, an address, or `*` for all.' })

const port = z
  .int(expected('a port, from 1 to 65535'))
  .min(1, 'must be at least 1')
  .max(65_535, 'must be at most 65535')
const method = z.string(expected('text')).regex(METHOD, 'must be a method in capitals, or "*"')

const rule = section({
  host,
  ports: z.array(port).min(1, 'must name a port').max(100, 'has more than 100 ports').default([80, 443]),
  methods: z.array(method).min(1, 'must name a method').max(20, 'has more than 20 methods').default(['*']),
})

const range = z
  .string(expected('text'))
  .max(64, 'must be at most 64 characters')
  .refine((text) => ipaddr.isValidCIDR(text), 'must be a range of addresses as 10.1.0.0/16 or fd00::/8')

/** What a policy says of fetch. */
export const fetchGrant = grant({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Calls of one run: one a request, and one for each further piece of a body.',
    bounds: 'null removes fetch altogether; each call is work for the host.',
  }),
  requests: whole({
    min: 1,
    max: 100_000,
    about: 'Requests of one run; each redirect that is followed is one more.',
    bounds: 'null removes fetch altogether; a run with more belongs in several.',
  }),
  concurrency: whole({
    min: 1,
    max: 1_024,
    about: 'Requests of the tenant under way at once.',
    bounds: 'a run needs one; each holds a socket of the host’s.',
  }),
  requestBytes: whole({
    min: 0,
    max: 1_024 * MIB,
    about: 'Body of a request in bytes.',
    bounds: '0 sends no bodies; larger ones take longer than a run may.',
  }),
  responseBytes: whole({
    min: 0,
    max: 1_024 * MIB,
    about: 'Body of a response in bytes, decompressed.',
    bounds: '0 reads no bodies; larger ones take longer than a run may.',
  }),
  headerBytes: whole({
    min: KIB,
    max: 256 * KIB,
    about: 'Headers of a response in bytes.',
    bounds: 'what servers send ordinarily; they are held whole in host and cell.',
  }),
  redirects: whole({
    min: 0,
    max: 20,
    about: 'Redirects that one request is followed through.',
    bounds: '0 follows none; 20 is what browsers do.',
  }),
  timeoutMs: whole({
    min: 1,
    max: 900_000,
    about: 'Longest wait for the headers of a response, and for each further piece of its body, in milliseconds.',
    bounds: 'never past what is left of the run; a run ends after a quarter of an hour at most.',
  }),
  allow: listOf(rule, RULES_MAX, 'Where requests may go: host, ports (80 and 443) and methods (all).'),
  privateRanges: listOf(range, RULES_MAX, 'Addresses that are not public and are reached all the same, as CIDR.'),
})
