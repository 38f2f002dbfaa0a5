-- Which machines and bots a tenant governs, and the contract that each machine should have.
CREATE TABLE `governance_tenant_machines` (
	`instance_row` integer PRIMARY KEY NOT NULL,
	`instance_id` text NOT NULL,
	`tenant` text NOT NULL,
	`tenant_born` integer NOT NULL,
	`user_id` integer NOT NULL,
	`owner_email` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `governance_tenant_machines_tenant` ON `governance_tenant_machines` (`tenant`,`instance_id`);
CREATE TABLE `governance_tenant_bots` (
	`bot_id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`tenant_born` integer NOT NULL,
	`user_id` integer NOT NULL,
	`owner_email` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `governance_tenant_bots_tenant` ON `governance_tenant_bots` (`tenant`,`bot_id`);
CREATE TABLE `governance_machine_contracts` (
	`instance_row` integer PRIMARY KEY NOT NULL,
	`instance_id` text NOT NULL,
	`user_id` integer NOT NULL,
	`tenant` text NOT NULL,
	`revision` integer NOT NULL,
	`contract_id` text NOT NULL,
	`content_hash` text NOT NULL,
	`signing_kid` text NOT NULL,
	`suspended` integer NOT NULL,
	`released` integer NOT NULL,
	`jws` text NOT NULL,
	`delivered_revision` integer NOT NULL,
	`tried_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `governance_machine_contracts_tenant` ON `governance_machine_contracts` (`tenant`,`instance_row`);
CREATE INDEX `governance_machine_contracts_undelivered` ON `governance_machine_contracts` (`tried_at`) WHERE delivered_revision < revision;
CREATE INDEX `governance_machine_contracts_key` ON `governance_machine_contracts` (`signing_kid`);
