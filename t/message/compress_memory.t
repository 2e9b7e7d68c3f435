#!/usr/bin/perl

# All last events together have a limit.  Who got an event lately is compressed
# with it; who did not for long, when others had many, without; both get what
# was sent.

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
cmp_ok($t->nginx()->rss() - $rss, '<', $t->slack(1024), 'takes what it may');
is(evicted(), 0, 'all were the first one');

# The last ones again, then the first ones.

is(scalar(grep { size($_) < 100 } ACCOUNTS - 99 .. ACCOUNTS), 100,
    'what has come lately is referred to');
is(scalar(grep { size($_) > SIZE / 2 } 1 .. 100), 100,
    'what came long ago is not');
is(evicted(), 100, 'as is counted');

# With more room all is kept.

$t->nginx()->stop();
$t->nginx()->{http} .= 'pimap_compress_memory 4k;';
$t->nginx()->start();
parked();

size($_) for 1 .. ACCOUNTS;
is(scalar(grep { size($_) < 100 } 1 .. ACCOUNTS), ACCOUNTS,
    'with more room all is referred to');
is(evicted(), 0, 'and nothing is forgotten');


sub parked {
    %s = map { $_ => $t->park($_, headers => { 'Accept-Encoding' => 'gzip' })
        } 1 .. ACCOUNTS;

    is(scalar(grep { $s{$_}->read_until(qr/: parked\n\n/)
        && $t->subscribed($_) } 1 .. ACCOUNTS), ACCOUNTS, 'parked');
}


sub random {
    return { event => 'MessageNew', account => $_[0], text => join('',
        map { chr(48 + rand(74)) =~ tr/\\/x/r } 1 .. SIZE - 80) };
}


# What the account's event takes, if it comes as it was sent.

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
