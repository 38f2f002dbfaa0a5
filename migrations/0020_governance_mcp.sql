CREATE TABLE `governance_grants` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`payload_type` text NOT NULL,
	`payload_id` text NOT NULL,
	`subject_type` text NOT NULL,
	`subject_id` text NOT NULL,
	`subject_name` text,
	`access` text NOT NULL,
	`priority` integer DEFAULT 0 NOT NULL,
	`scope` text NOT NULL,
	`note` text,
	`via_group_id` text,
	`created_at` integer NOT NULL
);
CREATE UNIQUE INDEX `governance_grants_id` ON `governance_grants` (`id`);
CREATE INDEX `governance_grants_payload` ON `governance_grants` (`payload_type`,`payload_id`);
CREATE INDEX `governance_grants_subject` ON `governance_grants` (`subject_type`,`subject_id`);
CREATE INDEX `governance_grants_group` ON `governance_grants` (`via_group_id`);
CREATE TABLE `governance_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scope` text NOT NULL,
	`description` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `governance_groups_name` ON `governance_groups` (`name`);
CREATE INDEX `governance_groups_age` ON `governance_groups` (`created_at`);
CREATE TABLE `governance_group_members` (
	`group_id` text NOT NULL,
	`member` text NOT NULL,
	PRIMARY KEY(`group_id`, `member`)
);
CREATE INDEX `governance_group_members_member` ON `governance_group_members` (`member`);
CREATE TABLE `governance_mcp_servers` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text NOT NULL,
	`endpoint` text NOT NULL,
	`scope` text NOT NULL,
	`transport` text NOT NULL,
	`status` text NOT NULL,
	`capabilities` text NOT NULL,
	`source_id` text,
	`last_synced_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `governance_mcp_servers_name` ON `governance_mcp_servers` (`name`);
CREATE INDEX `governance_mcp_servers_age` ON `governance_mcp_servers` (`created_at`);
CREATE TABLE `governance_mcp_credentials` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`server_id` text NOT NULL,
	`display_name` text NOT NULL,
	`brokering_mode` text NOT NULL,
	`secret_ref` text,
	`created_at` integer NOT NULL
);
CREATE UNIQUE INDEX `governance_mcp_credentials_id` ON `governance_mcp_credentials` (`id`);
CREATE INDEX `governance_mcp_credentials_server` ON `governance_mcp_credentials` (`server_id`);
CREATE TABLE `governance_secrets` (
	`name` text PRIMARY KEY NOT NULL,
	`sealed_value` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE TABLE `governance_session_scopes` (
	`session_key` text PRIMARY KEY NOT NULL,
	`principal` text NOT NULL,
	`scopes` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE INDEX `governance_session_scopes_principal` ON `governance_session_scopes` (`principal`);
