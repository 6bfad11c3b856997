import { choice, text, variableOf } from './knob.ts'

/** Knobs of the S3-compatible storage of blobs. */
export const S3_KNOBS = {
  s3Endpoint: text({
    fallback: undefined,
    pattern: /^https?:\/\/[\w.:[\]-]{1,253}(\/[\w~/-]{0,200})?$/,
    accepts: 'an http or https URL without query',
    reason: 'Where contents of blobs are kept: S3-compatible storage. Without it they are files in the data directory.',
  }),
  s3Region: text({
    fallback: 'us-east-1',
    pattern: /^[a-z0-9-]{1,63}$/,
    accepts: '1 to 63 of a-z, 0-9 and -',
    reason: 'Signatures are for one region. Storage that has none takes the default, or “auto”.',
  }),
  s3Bucket: text({
    fallback: undefined,
    pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    accepts: '3 to 63 of a-z, 0-9, . and -',
    reason: 'The bucket. It must be there; Cloister makes none.',
  }),
  s3Prefix: text({
    fallback: undefined,
    pattern: /^[A-Za-z0-9_-][A-Za-z0-9_/-]{0,127}$/,
    accepts: '1 to 128 letters, digits, _, - and /, the first no /',
    reason: 'Before the name of each object, so that hosts can share a bucket. Each host needs its own.',
  }),
  s3AccessKey: text({
    fallback: undefined,
    pattern: /^[!-+.-~-]{1,256}$/,
    accepts: '1 to 256 characters, all visible ASCII without comma',
    reason:
      'Whose requests they are. Needs reading, writing and deleting objects, and listing the bucket and its uploads.',
  }),
  s3SecretKey: text({
    fallback: undefined,
    pattern: /^[!-~]{1,256}$/,
    accepts: '1 to 256 characters, all visible ASCII',
    secret: 'yes',
    reason: 'Signs the requests, and is never sent. From the environment, where no list of processes shows it.',
  }),
  s3Style: choice(['path', 'virtual-host'], {
    fallback: 'path',
    reason:
      'Where the bucket stands: in the path, which all storage takes, or in front of the host name, which AWS prefers.',
  }),
  s3Urls: choice(['storage', 'host'], {
    fallback: 'storage',
    reason:
      'Where signed URLs of blobs lead: to the bucket, or through this host, for a bucket that clients cannot reach.',
  }),
}

const TOGETHER = ['s3Endpoint', 's3Bucket', 's3AccessKey', 's3SecretKey'] as const

type Together = Readonly<Record<(typeof TOGETHER)[number], string | undefined>>

/** A fault if only some of the knobs that need each other are set. */
export function s3Faults(config: Together): readonly string[] {
  const missing = TOGETHER.filter((name) => config[name] === undefined)
  if (missing.length === 0 || missing.length === TOGETHER.length) return []
  const given = TOGETHER.filter((name) => config[name] !== undefined)
  const [wanted, because] = [missing, given].map((names) =>
    names.map((name) => `${variableOf(name)} (${name})`).join(', '),
  )
  return [`${wanted} must be set as well, because of ${because}`]
}
