-- Tenants as D1 shows them, which revision of each source it shows, and the last alert about both disagreeing.
CREATE TABLE `governance_tenants` (
	`name` text PRIMARY KEY NOT NULL,
	`display_name` text NOT NULL,
	`email` text NOT NULL,
	`team` text,
	`monthly_budget_usd` real,
	`resources` text,
	`skill_allowlist` text,
	`policy_ref` text,
	`cluster_tenant_ref` text,
	`labels` text NOT NULL,
	`wave` text,
	`suspended` integer NOT NULL,
	`datasets` text NOT NULL,
	`phase` text NOT NULL,
	`policy_name` text,
	`policy_source` text,
	`policy_state` text,
	`policy_message` text,
	`revision` integer NOT NULL,
	`born_revision` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `governance_tenants_created` ON `governance_tenants` (`created_at`,`name`);
CREATE INDEX `governance_tenants_email` ON `governance_tenants` (lower(email));
CREATE INDEX `governance_tenants_team` ON `governance_tenants` (`team`);
CREATE TABLE `governance_projections` (
	`kind` text NOT NULL,
	`key` text NOT NULL,
	`revision` integer NOT NULL,
	`projected_at` integer NOT NULL,
	PRIMARY KEY(`kind`, `key`)
);
CREATE TABLE `governance_drift_alerts` (
	`id` integer PRIMARY KEY NOT NULL,
	`fingerprint` text,
	`drift_count` integer NOT NULL,
	`alerted_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "governance_drift_alerts_single" CHECK(id = 1)
);
