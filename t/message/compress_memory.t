#!/usr/bin/perl

# The dictionaries of all accounts together have a limit.  An event is
# compressed with a recent event of its account; without it if other accounts
# had many events since.  Both are decompressed correctly.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant ACCOUNTS => 400;   # more than 512 kB of them
use constant SIZE => 1900;      # of an event

my $t = Pimap->new();
$t->plan(10);
$t->run();

srand(1);

my %event = map { $_ => random($_) } 1 .. ACCOUNTS;
my %s;

parked();

my $rss = $t->nginx()->rss();

is(scalar(grep { size($_) > SIZE / 2 } 1 .. ACCOUNTS), ACCOUNTS,
    'an event to each');
cmp_ok($t->nginx()->rss() - $rss, '<', $t->slack(1024),
    'the dictionaries stay within the limit');
is(evicted(), 0, 'a first event: no dictionary is evicted');

# The last accounts again, then the first ones.

is(scalar(grep { size($_) < 100 } ACCOUNTS - 99 .. ACCOUNTS), 100,
    'a recent event is in the dictionary');
is(scalar(grep { size($_) > SIZE / 2 } 1 .. 100), 100,
    'an event of long ago is not');
is(evicted(), 100, 'evictions are counted');

# With a larger limit all dictionaries are kept.

$t->nginx()->stop();
$t->nginx()->{http} .= 'pimap_compress_memory 4k;';
$t->nginx()->start();
parked();

size($_) for 1 .. ACCOUNTS;
is(scalar(grep { size($_) < 100 } 1 .. ACCOUNTS), ACCOUNTS,
    'a larger limit: each event is in its dictionary');
is(evicted(), 0, 'a larger limit: none is evicted');


sub parked {
    %s = map { $_ => $t->park($_, headers => { 'Accept-Encoding' => 'gzip' })
        } 1 .. ACCOUNTS;

    is(scalar(grep { $s{$_}->read_until(qr/: parked\n.*\n\n/)
        && $t->subscribed($_) } 1 .. ACCOUNTS), ACCOUNTS, 'parked');
}


sub random {
    return { event => 'MessageNew', account => $_[0], text => join('',
        map { chr(48 + rand(74)) =~ tr/\\/x/r } 1 .. SIZE - 80) };
}


# The compressed size of the account's event, if it arrives as published.

sub size {
    my ($account) = @_;

    my $s = $s{$account};
    my $before = $s->{packed};

    $t->redis()->publish($account, $event{$account});

    my $event = $s->event() or return;

    return if $t->json($event->{json}) ne $t->json($event{$account});
    return $s->{packed} - $before;
}


sub evicted { $t->status()->{compression}{evicted} }
