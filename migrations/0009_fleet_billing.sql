-- Plans get numbers (administrators' operations name them by one), prices and a catalogue of features.
CREATE TABLE `new_plans` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`key` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`tier` integer NOT NULL,
	`web_price` real,
	`monthly_web_price` real,
	`yearly_web_price` real,
	`ios_price` real,
	`is_active` integer DEFAULT true NOT NULL,
	`is_public` integer DEFAULT true NOT NULL,
	`stripe_price_id` text,
	`stripe_price_id_yearly` text,
	`stripe_price_id_sandbox` text,
	`stripe_price_id_yearly_sandbox` text,
	`apple_product_id` text,
	`apple_product_id_yearly` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
INSERT INTO `new_plans` (`key`, `name`, `tier`, `is_public`, `created_at`, `updated_at`)
	SELECT `key`, `name`, `tier`, `key` <> 'free_trial', `created_at`, `updated_at` FROM `plans` ORDER BY `tier`, `key`;
CREATE TABLE `features` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`key` text NOT NULL,
	`name` text NOT NULL,
	`feature_type` text NOT NULL,
	`default_value` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `features_key` ON `features` (`key`);
CREATE TABLE `plan_features` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`plan_id` integer NOT NULL,
	`feature_id` integer NOT NULL,
	`value` text NOT NULL,
	`display_label` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `plan_features_pair` ON `plan_features` (`plan_id`,`feature_id`);
CREATE INDEX `plan_features_feature` ON `plan_features` (`feature_id`);
INSERT INTO `features` (`key`, `name`, `feature_type`, `default_value`, `created_at`, `updated_at`) VALUES
	('multiple_openclaw_instances', 'Machines', 'limit', '0', 0, 0),
	('max_bots', 'Bots', 'limit', '0', 0, 0),
	('max_bot_shares', 'Bot shares', 'limit', '0', 0, 0),
	('storage_mb', 'Media storage, MB', 'limit', '0', 0, 0),
	('cloud_vm_included', 'Cloud machines included', 'limit', '0', 0, 0),
	('cloud_vm_addon_eligible', 'Cloud machines as add-ons', 'boolean', 'false', 0, 0),
	('bot_dashboard_access', 'Bot dashboard', 'boolean', 'false', 0, 0),
	('priority_support', 'Priority support', 'boolean', 'false', 0, 0),
	('support_tier', 'Support', 'tier', 'community', 0, 0);
-- What an operator changed in the limits of the two first plans is kept.
INSERT INTO `new_plans` (`key`, `name`, `description`, `tier`, `web_price`, `monthly_web_price`, `yearly_web_price`, `ios_price`, `created_at`, `updated_at`)
	SELECT column1, column2, column3, column4, column5, column6, column7, column8, 0, 0 FROM (VALUES
		('solo', 'Solo', 'One person, a few machines', 2, 9, 9, 90, 9.99),
		('pro', 'Pro', 'Everything, for daily work', 3, 29, 29, 290, 29.99),
		('team', 'Team', 'Many machines, many bots', 4, 99, 99, 990, NULL)
	) WHERE column1 NOT IN (SELECT `key` FROM `new_plans`);
INSERT INTO `plan_features` (`plan_id`, `feature_id`, `value`, `created_at`, `updated_at`)
	SELECT p.id, f.id, CASE f.key
		WHEN 'multiple_openclaw_instances' THEN coalesce((SELECT cast(o.max_instances AS text) FROM `plans` o WHERE o.key = p.key AND o.max_instances IS NOT NULL), CASE p.key WHEN 'solo' THEN '3' WHEN 'pro' THEN '10' WHEN 'team' THEN '50' ELSE '-1' END)
		WHEN 'max_bots' THEN coalesce((SELECT cast(o.max_bots AS text) FROM `plans` o WHERE o.key = p.key AND o.max_bots IS NOT NULL), CASE p.key WHEN 'solo' THEN '5' WHEN 'pro' THEN '25' WHEN 'team' THEN '200' ELSE '-1' END)
		WHEN 'max_bot_shares' THEN coalesce((SELECT cast(o.max_bot_shares AS text) FROM `plans` o WHERE o.key = p.key AND o.max_bot_shares IS NOT NULL), CASE p.key WHEN 'solo' THEN '5' WHEN 'pro' THEN '50' WHEN 'team' THEN '-1' ELSE '-1' END)
		WHEN 'storage_mb' THEN CASE p.key WHEN 'free' THEN '100' WHEN 'free_trial' THEN '1000' WHEN 'solo' THEN '2000' WHEN 'pro' THEN '10000' ELSE '100000' END
		WHEN 'cloud_vm_included' THEN CASE p.key WHEN 'pro' THEN '1' WHEN 'team' THEN '5' ELSE '0' END
		WHEN 'cloud_vm_addon_eligible' THEN CASE WHEN p.key IN ('solo', 'pro', 'team') THEN 'true' ELSE 'false' END
		WHEN 'bot_dashboard_access' THEN CASE WHEN p.key IN ('free_trial', 'pro', 'team') THEN 'true' ELSE 'false' END
		WHEN 'priority_support' THEN CASE WHEN p.key IN ('pro', 'team') THEN 'true' ELSE 'false' END
		ELSE CASE p.key WHEN 'free' THEN 'community' WHEN 'team' THEN 'dedicated' WHEN 'pro' THEN 'priority' ELSE 'email' END
	END, 0, 0 FROM `new_plans` p CROSS JOIN `features` f;
DROP TABLE `plans`;
ALTER TABLE `new_plans` RENAME TO `plans`;
CREATE UNIQUE INDEX `plans_key` ON `plans` (`key`);
CREATE INDEX `plans_stripe_price` ON `plans` (`stripe_price_id`);
CREATE TABLE `user_subscriptions` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`plan_id` integer NOT NULL,
	`source` text NOT NULL,
	`status` text NOT NULL,
	`external_id` text,
	`price_id` text,
	`interval` text,
	`current_period_start` integer,
	`current_period_end` integer,
	`cancel_at_period_end` integer DEFAULT false NOT NULL,
	`schedule_id` text,
	`pending_plan_id` integer,
	`pending_change_at` integer,
	`grace_until` integer,
	`provider_read_at` integer,
	`changing_until` integer,
	`downgrade_request_id` text,
	`status_before` text,
	`ended_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE INDEX `user_subscriptions_tenant` ON `user_subscriptions` (`tenant_id`,`status`,`created_at`);
CREATE UNIQUE INDEX `user_subscriptions_external` ON `user_subscriptions` (`source`,`external_id`) WHERE external_id IS NOT NULL;
CREATE INDEX `user_subscriptions_grace` ON `user_subscriptions` (`grace_until`) WHERE grace_until IS NOT NULL;
CREATE INDEX `user_subscriptions_changing` ON `user_subscriptions` (`changing_until`) WHERE changing_until IS NOT NULL;
CREATE INDEX `user_subscriptions_period` ON `user_subscriptions` (`source`,`status`,`current_period_end`);
CREATE TABLE `billing_customers` (
	`tenant_id` integer NOT NULL,
	`sandbox` integer NOT NULL,
	`customer_id` text NOT NULL,
	`forgotten_at` integer,
	`checkout_intent` text,
	`checkout_key` text,
	`checkout_until` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `sandbox`)
);
CREATE UNIQUE INDEX `billing_customers_customer` ON `billing_customers` (`customer_id`);
CREATE TABLE `webhook_events` (
	`id` text PRIMARY KEY NOT NULL,
	`provider` text NOT NULL,
	`type` text NOT NULL,
	`sealed_payload` text NOT NULL,
	`received_at` integer NOT NULL,
	`processed_at` integer,
	`attempts` integer DEFAULT 0 NOT NULL,
	`last_error` text
);
CREATE INDEX `webhook_events_open` ON `webhook_events` (`received_at`) WHERE processed_at IS NULL;
CREATE TABLE `payments` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`provider` text NOT NULL,
	`number` text,
	`status` text NOT NULL,
	`amount_paid` integer NOT NULL,
	`currency` text NOT NULL,
	`paid_at` integer NOT NULL,
	`period_start` integer,
	`period_end` integer,
	`description` text,
	`hosted_invoice_url` text,
	`invoice_pdf` text,
	`subscription_external_id` text,
	`provider_read_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
CREATE INDEX `payments_tenant` ON `payments` (`tenant_id`,`paid_at`);
CREATE TABLE `subscription_addons` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`key` text NOT NULL,
	`display_name` text NOT NULL,
	`monthly_price` real,
	`is_active` integer DEFAULT true NOT NULL,
	`stripe_price_id` text,
	`stripe_price_id_yearly` text,
	`stripe_price_id_sandbox` text,
	`stripe_price_id_yearly_sandbox` text,
	`apple_product_id` text,
	`apple_product_id_yearly` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `subscription_addons_key` ON `subscription_addons` (`key`);
INSERT INTO `subscription_addons` (`key`, `display_name`, `monthly_price`, `created_at`, `updated_at`) VALUES ('cloud_vm', 'Cloud machine', 19, 0, 0);
CREATE TABLE `user_cloud_vm_addons` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`source` text NOT NULL,
	`external_id` text NOT NULL,
	`status` text NOT NULL,
	`product_id` text,
	`period_end` integer,
	`grace_until` integer,
	`ended_at` integer,
	`warned_at` integer,
	`provider_read_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `user_cloud_vm_addons_external` ON `user_cloud_vm_addons` (`source`,`external_id`);
CREATE INDEX `user_cloud_vm_addons_tenant` ON `user_cloud_vm_addons` (`tenant_id`,`status`);
CREATE UNIQUE INDEX `user_cloud_vm_addons_one_apple` ON `user_cloud_vm_addons` (`tenant_id`) WHERE source = 'apple' AND status IN ('active', 'grace');
CREATE INDEX `user_cloud_vm_addons_due` ON `user_cloud_vm_addons` (`status`,`period_end`);
CREATE TABLE `usage_summaries` (
	`tenant_id` integer NOT NULL,
	`period` text NOT NULL,
	`metric` text NOT NULL,
	`used` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `period`, `metric`)
);
CREATE INDEX `usage_summaries_period` ON `usage_summaries` (`period`,`metric`);
CREATE TABLE `usage_events` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`period` text NOT NULL,
	`metric` text NOT NULL,
	`amount` integer NOT NULL,
	`created_at` integer NOT NULL
);
CREATE INDEX `usage_events_tenant` ON `usage_events` (`tenant_id`,`period`,`created_at`);
CREATE TABLE `downgrade_requests` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`from_plan_id` integer NOT NULL,
	`to_plan_id` integer NOT NULL,
	`reason` text NOT NULL,
	`forced` integer DEFAULT false NOT NULL,
	`lowers_plan` integer DEFAULT false NOT NULL,
	`initiated_by` integer,
	`grace_ends_at` integer NOT NULL,
	`grace_ended_at` integer,
	`resolved_features` text NOT NULL,
	`resolved_at` integer,
	`resolution` text,
	`resolved_by_admin_id` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `downgrade_requests_open` ON `downgrade_requests` (`tenant_id`) WHERE resolved_at IS NULL;
CREATE INDEX `downgrade_requests_tenant` ON `downgrade_requests` (`tenant_id`,`created_at`);
CREATE INDEX `downgrade_requests_listed` ON `downgrade_requests` (`created_at`);
CREATE INDEX `downgrade_requests_grace` ON `downgrade_requests` (`grace_ends_at`) WHERE resolved_at IS NULL;
CREATE TABLE `upgrade_requests` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`from_plan_id` integer NOT NULL,
	`to_plan_id` integer NOT NULL,
	`trigger` text NOT NULL,
	`cause` text NOT NULL,
	`resolved_features` text NOT NULL,
	`resolved_at` integer,
	`resolution` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX `upgrade_requests_open` ON `upgrade_requests` (`tenant_id`) WHERE resolved_at IS NULL;
CREATE UNIQUE INDEX `upgrade_requests_cause` ON `upgrade_requests` (`tenant_id`,`cause`);
CREATE INDEX `upgrade_requests_tenant` ON `upgrade_requests` (`tenant_id`,`created_at`);
ALTER TABLE `users` ADD `subscription_price_id` text;
ALTER TABLE `instances` ADD `vm_entitlement_id` text;
