#!/usr/bin/perl

# A server that is busy says when to come again: with 429 it means an account,
# with 503 all of them.  Until then it is not asked, and then all goes on; a
# device that wants something meanwhile is told when to try again.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavDevice;
use Pimap::FakeDav;

my $t = Pimap->new(Pimap::DavDevice->nginx());
$t->plan(19);

my $fake = Pimap::FakeDav->new(t => $t)->start();
my $version = 1;

# What it has, and how it behaves.

sub behave {
    my (%how) = @_;
    $fake->behave({ book => { 'a.vcf' => $version }, ctag => $version, %how });
}

sub busy {
    my ($status, $after) = @_;
    return { status => $status, body => '', headers =>
        defined $after ? { 'Retry-After' => $after } : {} };
}

behave();

my $alice = Pimap::DavDevice->new(t => $t, url => $fake->url())->start();
my $bob = $alice->of('bob');
my $bridge = $alice->bridge();

ok($_->park() && $_->wait_watched(), 'watched') for $alice, $bob;

# How often they have asked since this was called last.

my %before;

sub asked {
    my @asked;

    foreach my $user (qw(alice bob)) {
        my $n = $fake->noted(qr{$user: PROPFIND});

        push(@asked, $n - ($before{$user} // 0));
        $before{$user} = $n;
    }

    return @asked;
}

sub told { (() = $bridge->log() =~ /$_[0]/g) > ($_[1] // 0) }

# 429

behave('alice PROPFIND' => busy(429, 2));
ok($t->wait_for(sub { told(qr/"alice": DAV: .*429, again in 2 s/) }),
    'alice is told to come again');
asked();
sleep(1);
my ($a, $b) = asked();
is($a, 0, 'she does not ask');
cmp_ok($b, '>', 3, 'bob does');

$version++;
behave();
is($bob->event('ContactChange')->{changed}[0]{etag}, 2, 'bob has a change');
is($alice->event('ContactChange')->{changed}[0]{etag}, 2, 'alice, too, then');

# 503, with a date

behave('alice PROPFIND' => busy(503,
    strftime('%a, %d %b %Y %T GMT', gmtime(time() + 4))));
ok($t->wait_for(sub { told(qr/"alice": DAV: .*503, again in [34] s/) }),
    'the server is busy');
behave();
sleep(0.2);                     # who was asking has got an answer
asked();
sleep(1.5);
is_deeply([asked()], [0, 0], 'nobody asks');

my %put = (update => 'dav.put', href => '/book/n.vcf',
    text => Pimap::Dav->card('n', 'N'));

behave('alice PUT' => busy(503, 7));
my $result = $alice->update(%put);
is("$result->{status} $result->{retryAfter}", 'refused 7',
    'an update is refused until then');
behave('alice PUT' => busy(429));
$result = $alice->update(%put);
is($result->{status}, 'refused', 'or for an unknown time');
is($result->{retryAfter}, undef, 'which is not said');

$version++;
behave();
is($_->event('ContactChange')->{changed}[0]{etag}, 3, 'it goes on')
    for $alice, $bob;

# Without a time, and with nonsense

for my $after (undef, 'soon') {
    my $lines = () = $bridge->log() =~ /again in 60 s/g;

    behave(PROPFIND => busy(429, $after));
    ok($t->wait_for(sub { told(qr/again in 60 s/, $lines + 1) }),
        'a minute, if it says ' . ($after // 'nothing'));
    behave();

    $bridge->stop();
    $bridge->start();
    $_->park() && $_->wait_watched() for $alice, $bob;
}

is($bridge->metric('dav_rounds_total{result="held"}'), 0, 'after a restart');
cmp_ok($bridge->metric('dav_accounts'), '==', 2, 'both are watched');
unlike($bridge->log(), qr/\[(?:warn|error|crit|alert)\]/,
    'nothing bad in its log');

$alice->stop();
$bob->{stream}->close();
