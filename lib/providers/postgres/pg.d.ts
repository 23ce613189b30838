/** The package is optional, and so are its types: what is used of it is in `pg-types.ts`. */
declare module 'pg';
