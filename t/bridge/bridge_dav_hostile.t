#!/usr/bin/perl

# Servers that answer rubbish, too much, too late or not at all. No false event
# is published, nothing hangs, memory is bounded, and the log has the reason.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::DavSession;
use Pimap::FakeDav;

# Only an answer that never comes is to be late, however slow the machine is.

use constant ANSWER => 100_000;

my $head = '<?xml version="1.0"?>';
my $bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' . join('', map {
    my ($n, $m) = ($_, chr(ord($_) - 1));
    "<!ENTITY $n \"" . "&$m;" x 10 . '">' } 'b' .. 'k') . ']>';
my $page = sub { Pimap::FakeDav::multistatus(@_) };

my @bad = (
    ['garbage', { body => "\x00\xff rubbish" }, qr/protocol/],
    ['empty', { body => '' }, qr/protocol/],
    ['HTML', { body => '<html><body>hello</body></html>' }, qr/protocol/],
    ['cut off', { body => $head . '<D:multistatus xmlns:D="DAV:"><D:resp' },
        qr/protocol/],
    ['an entity bomb', { body => $head . $bomb
        . '<D:multistatus xmlns:D="DAV:">&k;</D:multistatus>' },
        qr/protocol/],
    ['an external entity', { body => $head . '<!DOCTYPE x [<!ENTITY a '
        . 'SYSTEM "file:///etc/passwd">]><D:multistatus xmlns:D="DAV:">'
        . '&a;</D:multistatus>' }, qr/protocol/],
    ['an endless answer', { body => $head . '<D:multistatus xmlns:D="DAV:">',
        endless => '<D:response><D:href>/book/x</D:href></D:response>' },
        qr/protocol/],
    ['an endless tag', { body => "$head<D:multistatus xmlns:D=\"DAV:\" x='",
        endless => 'x' x 100 }, qr/protocol/],
    ['endless depth', { body => $head, endless => '<a>' }, qr/protocol/],
    ['spaces without end', { body => "$head<D:multistatus xmlns:D=\"DAV:\">",
        endless => ' ' x 1000 }, qr/protocol/],
    ['no answer', { hang => 1 }, qr/away/],
    ['a closed connection', { close => 0 }, qr/away/],
    ['half of a response head', { close => 30 }, qr/away|protocol/],
    ['half of a response body', { close => 200 }, qr/away/],
    ['status 500', { status => 500 }, qr/away/],
    ['status 401', { status => 401 }, qr/credentials/],
    ['a home that is not in its answer', { body => $page->() }, qr/protocol/],
    ['another host', { status => 302, headers => { Location =>
        'http://evil.example.com/' } }, qr/protocol: .*another host/],
    ['a loop', { status => 302, headers => { Location => '/' } },
        qr/protocol: .*too many redirects/],
    ['HTTPS to a port without TLS', undef, qr/tls|away/],
);

my $t = Pimap->new();
$t->plan(@bad + 25);

my $fake = Pimap::FakeDav->new(t => $t)->start();
my %calm = (book => { 'a.vcf' => '1', 'b.vcf' => '1' }, ctag => '1');

$fake->behave(\%calm);

my $s = Pimap::DavSession->new(t => $t, url => $fake->url(), answer => ANSWER,
    max_answer => 100_000, poll_min => 50, poll_max => 50, poke_min => 20);

$s->start();
is($s->wait_ready(), 'polling', 'the session is ready');

# Each bad answer to the request for the home.

foreach (@bad) {
    my ($name, $how, $reason) = @$_;

    if ($how) {
        $fake->behave({ %calm, 'PROPFIND /' => $how });
        $s->start(url => $fake->url(), answer => $how->{hang} ? 1000 : ANSWER)
            if $s->{over};

    } else {
        $fake->behave(\%calm);
        $s->start(url => $fake->url() =~ s/http/https/r);
    }

    my $failed = $s->failure();

    like($failed ? "$failed->{reason}: $failed->{why}" : 'none', $reason,
        $name);

    $s->{over} = 1;
    $s->stop();
}

$fake->behave(\%calm);
$s->start(url => $fake->url());
is($s->wait_ready(), 'polling', 'the server recovers: the session is ready');
is_deeply([$s->published()], [], '    nothing was published');

my $kb = $s->update(update => 'count')->{kb};
ok($kb < 200000, "    the memory is bounded: $kb kB");

# Without sync-collection the session compares ETags.

$fake->behave({ %calm, ctag => '2', book => { 'a.vcf' => '2',
    'c.vcf' => '1' } });
my $event = $s->event('ContactChange');
is_deeply([map { $_->{href} } @{ $event->{changed} }],
    ['/book/a.vcf', '/book/c.vcf'],
    'no sync-collection: changed objects are published');
is_deeply($event->{removed}, ['/book/b.vcf'],
    '    removed objects are published');

# A busy server gets no request until the time it names.

my $busy = time();

$fake->behave({ %calm, 'PROPFIND /' => { status => 429,
    headers => { 'Retry-After' => 1 } } });
ok($s->line(sub { $_[0]{text} && $_[0]{text} =~ /429/ }),
    '429: the log says so');

my $before = $fake->noted(qr/PROPFIND \//);
ok($t->wait_for(sub { $fake->noted(qr/PROPFIND \//) > $before })
    && time() >= $busy + 1, '    no request is sent until Retry-After');

$fake->behave({ %calm, ctag => '3' });
$event = $s->event('ContactChange');
is_deeply([map { $_->{href} } @{ $event->{changed} }],
    ['/book/a.vcf', '/book/b.vcf'], '    then a change is published');

# Pages: each answer 507 is published with its token. An endless series of
# pages is stopped.

sub pages {
    my ($from, $to, $token, $more) = @_;

    return { body => $page->((map { Pimap::FakeDav::response("/book/$_.vcf",
        '<D:getetag>9</D:getetag>') } $from .. $to), $more
        ? '<D:response><D:href>/book/</D:href><D:status>HTTP/1.1 507 X'
            . '</D:status></D:response>' : (),
        "<D:sync-token>$token</D:sync-token>") };
}

$s->stop();
%{ $s->states() } = ();
$fake->behave({ %calm, token => 't0', REPORT => pages(1, 3, 't1') });
$s->start();
is($s->wait_ready(), 'polling', 'sync-collection: the session is ready');
is_deeply([$s->published()], [], '    the initial content causes no event');

$fake->behave({ %calm, ctag => '4', token => 't2',
    REPORT => pages(4, 5, 't2', 1) });
$event = $s->event('ContactChange');
is(scalar(@{ $event->{changed} }), 2, '507: a page is published');
is($event->{syncToken}, 't2', '    with its token');
ok($s->line(sub { $_[0]{text} && $_[0]{text} =~ /come to an end/ }),
    '    an endless series of pages is stopped');

# An invalid token in each form: one look at all objects and no event.

foreach my $status (403, 409, 410) {
    $s->stop();
    $fake->behave({ %calm, ctag => "x$status", token => 't3',
        REPORT => { status => $status, body => $head
        . '<D:error xmlns:D="DAV:"><D:valid-sync-token/></D:error>' },
        book => { map { ("$_.vcf" => 9) } 1 .. 5 } });
    $s->start();
    $s->wait_ready();
    is_deeply([map { @{ $_->{events} // [] } } $s->all()], [],
        "$status for a token: no false event");
}

# A redirect within the host, a slow answer, odd prefixes and odd hrefs.

$s->stop();
%{ $s->states() } = ();
$fake->behave({ %calm, 'PROPFIND /.well-known/carddav' => { status => 301,
    headers => { Location => '/dav' } }, PROPFIND => { drip => 1 } });
$s->start();
is($s->wait_ready(), 'polling',
    'a redirect, and an answer byte by byte: ready');

$fake->behave({ %calm, ctag => '5', 'PROPFIND /book/' => { body =>
    '<x:multistatus xmlns:x="DAV:"><x:response><x:href>a.vcf</x:href>'
    . '<x:propstat><x:prop><x:getetag>1</x:getetag></x:prop><x:status>'
    . 'HTTP/1.1 200 OK</x:status></x:propstat></x:response><x:response>'
    . '<x:href>' . $fake->url() . '/book/b%2Evcf</x:href><x:propstat><x:prop>'
    . '<x:getetag>7</x:getetag></x:prop><x:status>HTTP/1.1 200 OK</x:status>'
    . '</x:propstat></x:response><x:response><x:href>http://evil/book/c.vcf'
    . '</x:href><x:propstat><x:prop><x:getetag>1</x:getetag></x:prop>'
    . '<x:status>HTTP/1.1 200 OK</x:status></x:propstat></x:response>'
    . '</x:multistatus>' } });
$event = $s->event('ContactChange');
is_deeply($event->{changed}, [{ href => '/book/b%2Evcf', etag => '7' }],
    'odd hrefs: the object is published, spelled as the server does');
is_deeply($event->{removed}, [], '    and nothing else');

# Updates: if the answer is lost, the result is unknown.

$fake->behave({ %calm, ctag => '5', PUT => { close => 0 } });
my %put = (update => 'dav.put', href => '/book/n.vcf',
    text => "BEGIN:VCARD\r\nFN:N\r\nEND:VCARD\r\n");
is($s->update(%put)->{status}, 'unknown',
    'the answer to a put is lost: unknown');

$fake->behave({ %calm, ctag => '5', PUT => { status => 403 } });
is($s->update(%put)->{status}, 'refused', '403 to a put: refused');

$fake->behave({ %calm, ctag => '5', PUT => { status => 302,
    headers => { Location => 'http://evil.example.com/' } } });
isnt($s->update(%put)->{status}, 'done',
    'a redirect of a put to another host: not followed');

my $out = $t->read_file($t->dir() . '/report.dav_driver')
    . join('', map { $_->{text} // '' } $s->all());
unlike($out, qr/secret|YWxpY2U6c2VjcmV0/, 'no password in the log');
ok($fake->noted(qr/login/) > 10, '    though the login was sent');

$s->stop();
