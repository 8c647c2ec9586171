"""Options of the smallest training that commands are tested with."""

PONIES = (
    "--dataset=demo/ponies",
    "--load_size=18",
    "--crop_size=16",
    "--generator=resnet_3blocks",
    "--discriminator=pixel",
    "--ngf=2",
    "--ndf=2",
    "--log_every=2",
)
