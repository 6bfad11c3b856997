import { choice, text } from './knob.ts'

/** `host=tenant/function`, `host=tenant`, `*.domain=*`. */
const HOSTS =
  /^(?:(?:[a-z0-9.-]{1,253}=[a-z][a-z0-9-]{0,62}(?:\/[A-Za-z][A-Za-z0-9_-]{0,62})?|\*\.[a-z0-9.-]{1,190}=\*)(?:,(?=[a-z0-9*])|$)){1,1000}$/

/** Knobs of the door at which requests to functions arrive. */
export const FUNCTION_DOOR = {
  forwarded: choice(['none', 'proxy'], {
    fallback: 'none',
    reason:
      'Whose word functions get for who their client is: that of the connection (none), or what X-Forwarded-For, -Proto and -Host say (proxy). Only behind a proxy that sets all three, or clients could say what they like.',
  }),
  functionOrigin: choice(['shared', 'own'], {
    fallback: 'shared',
    reason:
      'shared: functions of all tenants and the API are behind one host name, so pages of functions are sandboxed by a Content-Security-Policy. own: a proxy gives each tenant a host name, and pages may use cookies and storage.',
  }),
  functionHosts: text({
    fallback: undefined,
    pattern: HOSTS,
    accepts: 'host=tenant/function, host=tenant or *.domain=*, with commas between',
    reason:
      'Host names that lead to functions and to nothing else: to one function, to a tenant (whose function is the first part of the path), or from each name below a domain to the tenant of that name. Their pages are not sandboxed, since no other tenant is at their origin.',
  }),
}
