/** Plain configuration of a tenant, as JSON text of an object of texts. */
export const tenantEnv = `
ALTER TABLE tenants ADD COLUMN env TEXT NOT NULL DEFAULT '{}';
`
