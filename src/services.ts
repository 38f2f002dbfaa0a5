import type { Env } from "./env";
import { readEnv } from "./env";
import { families } from "./families";
import type { AppStoreConfig, ComputeConfig } from "./kernel/config";
import type { Db } from "./kernel/db/client";
import type { AppStore } from "./kernel/ports/app-store";
import type { Compute } from "./kernel/ports/compute";
import type { Services } from "./kernel/ports/services";
import { createJobs } from "./integrations/queue/jobs";
import { createDeviceCheck } from "./integrations/apple/device-check";
import { createGithubActions } from "./integrations/github/actions";
import { createMailer } from "./integrations/email/mailer";
import { createLanguageModel } from "./integrations/llm/chat-completions";
import { createR2Store } from "./integrations/files/r2-store";
import { createS3Store } from "./integrations/files/s3-store";
import { createProcessDriver } from "./integrations/process/process-driver";
import { createPackageRegistry } from "./integrations/npm/registry";
import { createPushGateway } from "./integrations/push/sygnal";
import { createMatrix } from "./integrations/matrix/matrix";
import { createOrgo } from "./integrations/orgo/orgo";
import { createPayments } from "./integrations/stripe/stripe";
import { createPasswords } from "./integrations/argon2/passwords";

/** Wires each port to its client; what is not configured is null. */
export function createServices(env: Env, db: Db): Services {
  const config = readEnv(env);
  const services: Services = {
    mailer: createMailer(config, { db, email: env.EMAIL }),
    passwords: createPasswords(config.passwordPepper),
    deviceCheck: config.apple && createDeviceCheck(config.apple),
    appStore: config.appStore && createLateAppStore(config.appStore),
    languageModel: config.llm && createLanguageModel(config.llm),
    jobs: createJobs(env.JOBS),
    matrix: config.matrix && createMatrix(config.matrix),
    compute: config.compute && createCompute(config.compute),
    ci: config.ci && createGithubActions(config.ci),
    packages: config.npmRegistryUrl === null ? null : createPackageRegistry(config.npmRegistryUrl),
    payments: config.stripe && createPayments(config.stripe),
    files: config.s3 ? createS3Store(config.s3) : createR2Store(env.FILES),
    push: config.pushGatewayUrl === null ? null : createPushGateway(config.pushGatewayUrl),
  };
  for (const family of families) if (family.services) Object.defineProperties(services, Object.getOwnPropertyDescriptors(family.services(config)));
  return services;
}

/** The client of the driver that is configured. */
function createCompute(config: ComputeConfig): Compute {
  switch (config.driver) {
    case "orgo":
      return createOrgo(config);
    case "process":
      return createProcessDriver(config);
  }
}

/** The App Store's client with all its certificates, loaded by the first who asks for it. */
function createLateAppStore(config: AppStoreConfig): AppStore {
  const load = async () => (await import("./integrations/apple/app-store")).createAppStore(config);
  return {
    readPurchase: async (receiptData, productId) => (await load()).readPurchase(receiptData, productId),
    readNotification: async (signedPayload) => (await load()).readNotification(signedPayload),
    getSubscription: config.serverApi && (async (id, environment) => (await load()).getSubscription?.(id, environment) ?? null),
  };
}
