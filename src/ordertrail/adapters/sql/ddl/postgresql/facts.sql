-- What there is in the schema: for each thing the relation that it is part of, what it is called, and all that is so of
-- it. Compared with facts.txt, which is what this finds in a schema that was just created. Roles are named by what they
-- are for; the owner's own rights are left out, because it has all there are, and more with each PostgreSQL.
WITH ours AS (
  SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'ordertrail'
),
roles AS (
  SELECT oid, CASE
    WHEN starts_with(rolname, current_database() || '_')
      AND substr(rolname, length(current_database()) + 2) IN ('owner', 'sealer', 'app', 'auditor')
    THEN substr(rolname, length(current_database()) + 2) ELSE rolname END AS name
  FROM pg_roles UNION ALL SELECT 0, 'everybody'
),
rights AS (
  SELECT of.kind, of.oid, of.column, string_agg(
    grantee.name || ' may ' || acl.privilege_type || CASE WHEN acl.is_grantable THEN ' and grant it' ELSE '' END,
    ', ' ORDER BY grantee.name, acl.privilege_type
  ) AS granted
  FROM (
    SELECT 'relation' AS kind, oid, 0 AS column, relowner AS owner, relacl AS acl FROM ours
    UNION ALL SELECT 'relation', attrelid, attnum, 0, attacl FROM pg_attribute WHERE attrelid IN (SELECT oid FROM ours)
    UNION ALL SELECT 'function', oid, 0, proowner, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
      WHERE pronamespace = 'ordertrail'::regnamespace
    UNION ALL SELECT 'schema', oid, 0, nspowner, nspacl FROM pg_namespace WHERE nspname = 'ordertrail'
  ) of
  CROSS JOIN LATERAL aclexplode(of.acl) acl
  JOIN roles grantee ON grantee.oid = acl.grantee
  WHERE acl.grantee <> of.owner
  GROUP BY 1, 2, 3
)
SELECT '' AS relation, 'schema ' || n.nspname AS thing, concat_ws('; ', 'owned by ' || o.name, r.granted) AS fact
FROM pg_namespace n JOIN roles o ON o.oid = n.nspowner LEFT JOIN rights r ON r.kind = 'schema' AND r.oid = n.oid
WHERE n.nspname = 'ordertrail'

UNION ALL
SELECT c.relname, CASE c.relkind
    WHEN 'r' THEN 'table ' WHEN 'p' THEN 'table ' WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view '
    ELSE 'relation of kind ' || c.relkind::text || ' ' END || c.relname,
  concat_ws('; ', 'owned by ' || o.name, 'persistence ' || c.relpersistence::text, pg_get_partkeydef(c.oid),
    CASE WHEN c.relrowsecurity OR c.relforcerowsecurity THEN 'row security' END,
    r.granted)
FROM ours c JOIN roles o ON o.oid = c.relowner
LEFT JOIN rights r ON r.kind = 'relation' AND r.oid = c.oid AND r.column = 0
WHERE c.relkind NOT IN ('i', 'I', 't')

UNION ALL  -- a partition, wherever it is; and anything else that inherits from a table of ours, or it from another
SELECT child.relname, 'partition ' || child.oid::regclass::text || ' of ' || parent.oid::regclass::text,
  coalesce(pg_get_expr(child.relpartbound, child.oid), 'inherits') || CASE WHEN i.inhdetachpending THEN ' detached' ELSE '' END
FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid JOIN pg_class parent ON parent.oid = i.inhparent
WHERE child.relkind NOT IN ('i', 'I') AND (i.inhparent IN (SELECT oid FROM ours) OR i.inhrelid IN (SELECT oid FROM ours))

UNION ALL
SELECT c.relname, 'column ' || a.attname || ' of ' || c.relname,
  concat_ws('; ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
    CASE WHEN a.attcollation <> 0 THEN 'collation ' || a.attcollation::regcollation::text END,
    CASE WHEN a.attidentity <> '' THEN 'identity ' || a.attidentity::text END,
    CASE WHEN a.attgenerated <> '' THEN 'generated ' || a.attgenerated::text END,
    'default ' || pg_get_expr(d.adbin, d.adrelid), r.granted)
FROM ours c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN rights r ON r.kind = 'relation' AND r.oid = c.oid AND r.column = a.attnum
WHERE c.relkind IN ('r', 'p')

UNION ALL
SELECT c.relname, 'constraint ' || k.conname || ' on ' || c.relname,
  concat_ws('; ', pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN 'not validated' END)
FROM pg_constraint k JOIN ours c ON c.oid = k.conrelid
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')

UNION ALL
SELECT c.relname, 'index ' || x.indexrelid::regclass::text,
  concat_ws('; ', pg_get_indexdef(x.indexrelid),
    CASE WHEN NOT (x.indisvalid AND x.indisready AND x.indislive) THEN 'not valid' END)
FROM pg_index x JOIN ours c ON c.oid = x.indrelid
WHERE c.relkind <> 't'

UNION ALL
SELECT c.relname, 'trigger ' || t.tgname || ' on ' || c.relname,
  concat_ws('; ', pg_get_triggerdef(t.oid), CASE WHEN t.tgenabled <> 'O' THEN 'switched off or over: ' || t.tgenabled::text END)
FROM pg_trigger t JOIN ours c ON c.oid = t.tgrelid
-- Those that PostgreSQL made itself, for foreign keys, are worth a word only where somebody switched them off.
WHERE NOT t.tgisinternal OR t.tgenabled <> 'O'

UNION ALL
SELECT '', 'function ' || p.oid::regprocedure::text,
  concat_ws('; ', 'owned by ' || o.name, 'returns ' || p.prorettype::regtype::text, l.lanname,
    CASE WHEN p.prosecdef THEN 'as its owner' END, array_to_string(p.proconfig, ' '), md5(p.prosrc), r.granted)
FROM pg_proc p JOIN roles o ON o.oid = p.proowner JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN rights r ON r.kind = 'function' AND r.oid = p.oid
WHERE p.pronamespace = 'ordertrail'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')

UNION ALL SELECT c.relname, 'rule ' || w.rulename || ' on ' || c.relname, pg_get_ruledef(w.oid)
FROM pg_rewrite w JOIN ours c ON c.oid = w.ev_class
UNION ALL SELECT c.relname, 'policy ' || p.polname || ' on ' || c.relname, p.polcmd::text
FROM pg_policy p JOIN ours c ON c.oid = p.polrelid
UNION ALL SELECT '', 'operator ' || oid::regoperator::text, '' FROM pg_operator
WHERE oprnamespace = 'ordertrail'::regnamespace
UNION ALL SELECT '', 'type ' || oid::regtype::text, '' FROM pg_type
WHERE typnamespace = 'ordertrail'::regnamespace AND typrelid = 0 AND typelem = 0
UNION ALL SELECT '', 'default rights', acl.privilege_type FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) acl
WHERE d.defaclnamespace = 'ordertrail'::regnamespace

UNION ALL  -- nobody logs in as the owner, and the three others are nothing else beside
SELECT '', 'role ' || r.name, concat_ws('; ', CASE WHEN p.rolcanlogin AND r.name = 'owner' THEN 'logs in' END, CASE WHEN p.rolsuper THEN 'superuser' END,
    CASE WHEN p.rolcreaterole THEN 'makes roles' END, CASE WHEN p.rolcreatedb THEN 'makes databases' END,
    CASE WHEN p.rolreplication THEN 'replicates' END, CASE WHEN p.rolbypassrls THEN 'bypasses row security' END,
    (SELECT string_agg('is also ' || s.name, ', ' ORDER BY s.name) FROM pg_auth_members m JOIN roles s ON s.oid = m.roleid
      WHERE m.member = r.oid),
    CASE WHEN r.name <> 'owner' AND has_parameter_privilege(r.oid, 'session_replication_role', 'SET')
      THEN 'may switch triggers off' END)
FROM roles r JOIN pg_roles p ON p.oid = r.oid WHERE r.name IN ('owner', 'sealer', 'app', 'auditor')

UNION ALL  -- settings that switch triggers off, or put another schema before ours, for whoever connects
SELECT '', 'setting of ' || coalesce(r.name, 'everybody'), setting
FROM pg_db_role_setting s LEFT JOIN roles r ON r.oid = s.setrole AND s.setrole <> 0 CROSS JOIN LATERAL unnest(s.setconfig) setting
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND split_part(setting, '=', 1) IN ('session_replication_role', 'search_path', 'row_security', 'event_triggers')
UNION ALL
SELECT '', 'setting ' || name, setting FROM pg_settings
WHERE (name = 'session_replication_role' AND setting <> 'origin') OR (name IN ('fsync', 'full_page_writes') AND setting <> 'on')
