-- Copies of access policies and of the awareness rollout, whose source is an object, and how tenants take part in it.
CREATE TABLE `governance_policies` (
	`name` text PRIMARY KEY NOT NULL,
	`description` text,
	`tenant_selector` text NOT NULL,
	`domains` text,
	`egress_rules` text,
	`mcp_servers` text,
	`tools` text,
	`revision` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `governance_policies_created` ON `governance_policies` (`created_at`,`name`);
CREATE TABLE `governance_rollout` (
	`id` integer PRIMARY KEY NOT NULL,
	`target_version` text NOT NULL,
	`stable_version` text NOT NULL,
	`waves` text NOT NULL,
	`promoted_waves` text NOT NULL,
	`shadow_mode` integer NOT NULL,
	`revision` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "governance_rollout_single" CHECK(id = 1)
);
CREATE TABLE `governance_participation` (
	`tenant` text PRIMARY KEY NOT NULL,
	`last_seen_at` integer,
	`running_version` text,
	`policy_violations` integer NOT NULL,
	`skill_executions` integer NOT NULL,
	`recent_violations` text NOT NULL,
	`machines` text NOT NULL,
	`revision` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
