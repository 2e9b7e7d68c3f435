#!/usr/bin/perl

# A server answers with pages.  If one of them is broken, or the server is
# busy, the others are told as soon as the server answers again, though nothing
# has changed since.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::DavSession;
use Pimap::FakeDav;

my $t = Pimap->new();
$t->plan(18);

my $fake = Pimap::FakeDav->new(t => $t)->start();
my %first = ('' => page('t0', 0, 1 .. 3));
my %second = (%first, t0 => page('t1', 1, 4, 5));

# The answer that replaces the second page

my %broken = (
    'an answer that is no XML' => { body => 'x' },
    'an answer that is cut off' => { %{ page('t2', 0, 6, 7) }, close => 300 },
    'a busy server' => { status => 503, headers => { 'Retry-After' => 1 },
        body => '' },
);

for my $name (sort(keys(%broken))) {
    $fake->behave({ ctag => '1', token => 't0', after => \%first });

    my $s = Pimap::DavSession->new(t => $t, url => $fake->url(),
        answer => 1000, poll_min => 50, poll_max => 50, poke_min => 20);

    $s->start();
    is($s->wait_ready(), 'polling', "$name: the session is ready");

    $fake->behave({ ctag => '2', token => 't2',
        after => { %second, t1 => $broken{$name} } });
    is(hrefs($s->event('ContactChange')), '/book/4.vcf /book/5.vcf',
        '    the first page is told');

    my $log = $broken{$name}{status} ? qr/503/ : qr/can't be synchronized/;

    ok($s->line(sub { ($_[0]{text} // '') =~ $log }),
        '    the second does not come');

    $fake->behave({ ctag => '2', token => 't2',
        after => { %second, t1 => page('t2', 0, 6, 7) } });
    is(hrefs($s->event('ContactChange')), '/book/6.vcf /book/7.vcf',
        '    the second page is told later');

    is(join(' ', map { hrefs($_) } $s->events(0.3)), '', '    and once');
    $s->stop();
}

# A new token: a full list in pages

$fake->behave({ ctag => '1', token => 't0', after => \%first });

my $s = Pimap::DavSession->new(t => $t, url => $fake->url(), poll_min => 50,
    poll_max => 50, poke_min => 20)->start();

$s->wait_ready();
$fake->behave({ ctag => '3', token => 'u1', after => {
    t0 => { status => 403, body => '<D:error xmlns:D="DAV:">'
        . '<D:valid-sync-token/></D:error>' },
    '' => page('u0', 1, 1, 2), u0 => page('u1', 0, 8) } });

my $change = $s->event('ContactChange');

is(hrefs($change), '/book/8.vcf',
    'the token is lost: only what differs is told');
is_deeply($change->{removed}, ['/book/3.vcf'], '    and what is gone');
ok($fake->noted(qr/REPORT .*/) > 4, '    after all pages');
$s->stop();


# With "more", the server says that the page is not the last.

sub page {
    my ($token, $more, @names) = @_;

    return { body => Pimap::FakeDav::multistatus((map {
        Pimap::FakeDav::response("/book/$_.vcf", '<D:getetag>9</D:getetag>')
    } @names), $more ? '<D:response><D:href>/book/</D:href><D:status>HTTP/1.1'
        . ' 507 X</D:status></D:response>' : (),
        "<D:sync-token>$token</D:sync-token>") };
}


sub hrefs { join(' ', map { $_->{href} } @{ $_[0]{changed} }) }
