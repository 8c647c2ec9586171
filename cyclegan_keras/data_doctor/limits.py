"""Where a finding begins. docs/data-doctor.md says which pictures each limit was measured on."""

# ---- one picture ----
DARK = 0.32  # 99th percentile of brightness as a share of white; that of cleanvision 0.3.7
BRIGHT = 0.75  # 5th percentile of brightness as a share of white
BLANK_CONTRAST = 0.015  # standard deviation of brightness as a share of the range of the domain
BLANK_ENTROPY = 1.0  # bits: two colors in equal parts have one
BLURRED = 0.06  # sharpness, see `measures`
ASPECT = 0.35  # shorter side as a share of the longer one; that of cleanvision 0.3.7
ENLARGED = 2.0  # times by which training enlarges a picture

# Where more of a domain than this is dark, bright, blank or blurred, the domain is like that.
MOST_OF_A_DOMAIN = 0.5
NEARLY_ALL = 0.9  # of a set in the other domain, which is then one mistake

# ---- near-duplicates ----
HASH_BITS = 8  # of 64 by which perceptual hashes may differ
NEAR = 0.01  # 1 - correlation of thumbnails, at most
# As a share of what a tenth of all pairs of the domain stay below: simple scenes resemble each
# other, and are no copies.
NEAR_SHARE = 0.01
PAIRS_SAMPLED = 10_000  # for that

# ---- sets ----
FEW = 100  # training pictures of a domain
# The most unequal set of the CycleGAN paper, vangogh2photo, has 400 and 6,287: 15.7.
IMBALANCE = 16.0
NARROW = 64  # of 256 levels: where no picture of a domain has a brighter one
