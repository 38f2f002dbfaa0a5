-- Where tenants may be placed, and the issuers of certificates for their host names.
CREATE TABLE `governance_cluster_tenants` (
	`name` text PRIMARY KEY NOT NULL,
	`display_name` text NOT NULL,
	`base_domain` text,
	`isolation_tier` text NOT NULL,
	`compute` text NOT NULL,
	`quota` text NOT NULL,
	`phase` text NOT NULL,
	`message` text,
	`bound_namespace` text,
	`provisioner` text,
	`check_at` integer,
	`deadline_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE INDEX `governance_cluster_tenants_check` ON `governance_cluster_tenants` (`check_at`);
CREATE INDEX `governance_cluster_tenants_age` ON `governance_cluster_tenants` (`created_at`,`name`);
CREATE TABLE `governance_dns_issuers` (
	`issuer_name` text PRIMARY KEY NOT NULL,
	`provider` text NOT NULL,
	`zone` text NOT NULL,
	`email` text NOT NULL,
	`server` text NOT NULL,
	`sealed_solver` text NOT NULL,
	`has_token` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
