"""Statistics: numpy in, numpy out. No torch, no colours.

    ablation.py         what edits of gates cost, and what follows: input-dependent share, last stage, sites that matter
    ailments.py         what ails the gates of a site, in sentences with cause and cure
    arithmetic.py       one SE block of one picture in numbers: from a channel to its gate
    by_seed.py          networks over the seeds of their recipe, in words and as a table
    channels.py         one channel in words, and which classes and channels to show of many
    classification.py   what a network got right on a data set: accuracy, per class, confusion, calibration
    comparison.py       two networks on the same samples: differences, agreement, per class
    corruption_tables.py  the tables behind the figures of corrupted pictures
    corruption_words.py what follows from them, in words
    corruptions.py      a network on corrupted pictures: what is lost, how far gates move, whether they adapt or break
    curves.py           training curves: smoothing, generalisation gap
    deletion.py         deletion and insertion curves of channels: does a gate predict which of them matter
    distance.py         a sample's gates against the classes' means, and the channels that make the difference
    faithfulness.py     whether maps are faithful, over pictures: means, differences to references, in words
    gates.py            one picture's gates: order, extremes, summary, deviation from a mean
    health.py           gate health of a site: shares near 0, 0.5 and 1, range, still gates, silent hidden units
    importance.py       whether a gate predicts what its channel is worth: rank correlations, within blocks and over all
    moments.py          a data set's gates per class and channel: means, spreads, bands, orders of channels
    observations.py     which of the paper's observations hold for a network, in words
    over_epochs.py      when gates come to tell classes apart while a network is trained
    paired.py           the paired difference of two accuracies: intervals, McNemar's test, Holm's correction
    paper.py            what the Squeeze-and-Excitation paper reports
    probes.py           how well a linear classifier reads the class from gates or features
    projection.py       samples in gate space on two axes: principal components and t-SNE
    pruning.py          what dropped channels cost, beside the whole network and beside chance
    relation.py         squeeze against excitation: rank correlations by channel and by picture
    seeds.py            one recipe with several seeds: means and paired differences with their t-intervals
    similarity.py       how alike the layers of networks are: linear CKA
    specificity.py      how much gates depend on the class: eta squared, permutations, selectivity, distances
    tables.py           the numbers behind the figures, as columns
    temperature.py      calibration before and after temperature scaling
"""
