import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { LockingModuleOptions } from './module-options.interface.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<LockingModuleOptions>({
    moduleName: 'Locking',
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createLockingOptions')
    // A decorated method may stand in any module, so every module must find the service.
    .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();
