"""The vault's cloud on one machine, without containers and without a network.

`cloud.LocalCloud` starts and stops it; `vault.deploy_vault` puts the app into it (`synth`
makes the assembly, `assembly` reads it, `deploy` applies it to any endpoint); `issuer`
signs the tokens that it accepts. Inside its child process, `emulator` serves ministack
through `http_server`, with `shims` for what it gets wrong and `lambdas` to run functions
as AWS does. Nothing here is part of a deployed asset.
"""
