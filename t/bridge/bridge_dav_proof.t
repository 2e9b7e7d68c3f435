#!/usr/bin/perl

# A DAV server cuts a list, leaves an ETag out, can't tell of an object, or
# answers about several at once.  Nothing is told to be removed, missing or
# deleted that the server has not said so; what it has said is told.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::DavSession;
use Pimap::FakeDav;

my $t = Pimap->new();
my $fake = Pimap::FakeDav->new(t => $t)->start();
my $all = \&Pimap::FakeDav::multistatus;
my $of = \&Pimap::FakeDav::response;
my %book = ('a.vcf' => 1, 'b.vcf' => 1);
my %calm = (book => \%book, ctag => '1');
my $folder = '<D:resourcetype><D:collection/></D:resourcetype>';
my $book = $of->('/book/', '<D:resourcetype><D:collection/><A:addressbook/>'
    . '</D:resourcetype><S:getctag>2</S:getctag>');
my $card = "BEGIN:VCARD\r\nFN:A\r\nEND:VCARD\r\n";

sub status {
    my ($status, @hrefs) = @_;

    return '<D:response>' . join('', map { "<D:href>$_</D:href>" } @hrefs)
        . "<D:status>HTTP/1.1 $status X</D:status></D:response>";
}

sub tagged { $of->("/book/$_[0]", "<D:getetag>$_[1]</D:getetag>"
    . ($_[2] ? "<A:address-data>$_[2]</A:address-data>" : '')) }

sub session {
    my ($mode) = @_;

    $fake->behave($mode);

    my $s = Pimap::DavSession->new(t => $t, url => $fake->url(),
        poll_min => 100, poll_max => 100, poke_min => 50)->start();

    $s->wait_ready();

    return $s;
}

# An object that such a list lacks is not removed.

my @lists = (
    ['a list of objects that is cut', { 'PROPFIND /book/' => { body =>
        $all->(tagged('a.vcf', 1), status(507, '/book/')) } }],
    ['an object without its ETag', { 'PROPFIND /book/' => { body =>
        $all->(tagged('a.vcf', 1), $of->('/book/b.vcf', '<D:resourcetype/>'))
        } }],
    ['an object with an empty ETag', { 'PROPFIND /book/' => { body =>
        $all->(tagged('a.vcf', 1), tagged('b.vcf', '')) } }],
    ['a list of books that is cut', { 'PROPFIND /' => { body =>
        $all->($of->('/', $folder), status(507, '/')) } }],
);

# What the server says of two objects that a device asks for, and the result:
# objects, missing, left, or the detail of a refusal

my $good = tagged('a.vcf', 1, $card);
my $untold = ' the server did not tell of the objects';

my @gets = (
    ['404 for one', $good . status(404, '/book/b.vcf'), 'a b -'],
    ['410 for both at once', status(410, '/book/a.vcf', '/book/b.vcf'),
        '- a,b -'],
    ['500 for one', $good . status(500, '/book/b.vcf'), 'a - b'],
    ['500 for both at once', status(500, '/book/a.vcf', '/book/b.vcf'),
        $untold],
    ['403 for one', $good . status(403, '/book/b.vcf'), 'a - b'],
    ['one without an ETag', $good . $of->('/book/b.vcf',
        "<A:address-data>$card</A:address-data>"), 'a - b'],
    ['one that is listed is left out', $good, 'a - b'],
    ['an empty answer', '', $untold],
    ['answers about others', tagged('c.vcf', 1, $card), $untold],
);

# The answer to a request that writes, what is there then, and the result

my @writes = (
    ['PUT', 202, $all->(tagged('n.vcf', 2, $card)), 'done'],
    ['PUT', 202, $all->(status(404, '/book/n.vcf')), 'unknown'],
    ['PUT', 207, $all->(tagged('n.vcf', 2, $card)), 'done'],
    ['PUT', 207, $all->(tagged('n.vcf', 2, $card =~ s/FN:A/FN:B/r)),
        'unknown'],
    ['DELETE', 207, $all->(tagged('n.vcf', 1, $card)), 'unknown'],
    ['DELETE', 207, $all->(status(404, '/book/n.vcf')), 'done'],
    ['DELETE', 200, $all->(tagged('n.vcf', 1, $card)), 'done'],
);

$t->plan(2 * @lists + @gets + @writes + 7);

for my $case (@lists) {
    my ($name, $mode) = @$case;
    my $s = session(\%calm);

    $fake->behave({ %calm, ctag => '2', %$mode });
    is(join(' ', map { $_->{event} . " @{ $_->{removed} // [] }" }
        $s->events(0.8)), '', "$name: nothing is told");
    $fake->behave({ book => { 'b.vcf' => 2 }, ctag => '3' });
    is(join(' ', map { "@{ $_->{removed} // [] } + $_->{changed}[0]{href}" }
        $s->event('ContactChange')), '/book/a.vcf + /book/b.vcf',
        '    afterwards the changes are told');
    $s->stop();
}

my $s = session(\%calm);

for my $case (@gets) {
    my ($name, $body, $expected) = @$case;

    $fake->behave({ %calm, REPORT => { body => $all->($body) } });

    my $r = $s->update(update => 'dav.get', hrefs => ['/book/a.vcf',
        '/book/b.vcf']);

    is($r->{status} eq 'done' ? join(' ', names(map { $_->{href} }
        @{ $r->{objects} }), names(@{ $r->{missing} }),
        names(@{ $r->{left} // [] })) : " $r->{detail}", $expected,
        "dav.get, $name");
}

# sabre/dav leaves out what is missing

$fake->behave({ %calm, REPORT => { body => $all->($good) } });
is_deeply($s->update(update => 'dav.get', hrefs => ['/book/a.vcf',
    '/book/new.vcf'])->{missing}, ['/book/new.vcf'],
    'dav.get, one that was never listed is left out: it is missing');

$fake->behave({ %calm, 'PROPFIND /book/' => { body => $all->(
    tagged('a.vcf', 1), status(507, '/book/')) } });
is($s->update(update => 'dav.sync', collection => '/book/')->{detail},
    'the server did not list all objects', 'dav.sync, a list that is cut');

for my $case (@writes) {
    my ($method, $status, $there, $expected) = @$case;

    $fake->behave({ %calm, $method => { status => $status, body => '' },
        REPORT => { body => $there } });

    my $r = $s->update(update => $method eq 'PUT' ? 'dav.put' : 'dav.delete',
        href => '/book/n.vcf', text => $card,
        $method eq 'DELETE' ? (etag => '"1"') : ());

    is($r->{status}, $expected, "$method, $status: $expected");
}

$s->stop();

# One response about several objects that were removed

$s = session({ %calm, token => 't1' });
$fake->behave({ %calm, token => 't2', REPORT => { body => $all->(
    status(404, '/book/a.vcf', '/book/b.vcf'),
    '<D:sync-token>t2</D:sync-token>') } });
is_deeply([sort(@{ $s->event('ContactChange')->{removed} // [] })],
    ['/book/a.vcf', '/book/b.vcf'],
    'one response about two objects: both are told');

# Changes elsewhere are not passed over in silence

$fake->behave({ %calm, token => 't3', REPORT => { body => $all->(
    $of->('/other/c.vcf', '<D:getetag>2</D:getetag>'),
    '<D:sync-token>t3</D:sync-token>') } });
ok($s->line(sub { ($_[0]{text} // '')
    =~ m{"/book/": the object "/other/c.vcf" can't be watched} }),
    'a change of an object elsewhere: the log says so');
$s->stop();

# A list of books that is cut has what is in it

$s = session(\%calm);
$fake->behave({ %calm, 'PROPFIND /' => { body => $all->($of->('/', $folder),
    $book, $of->('/new/', '<D:resourcetype><D:collection/><A:addressbook/>'
    . '</D:resourcetype>'), status(507, '/')) } });
is($s->event('AddressBookCreate')->{collection}, '/new/',
    'a list of books that is cut: a new one is told');
is_deeply([$s->events(0.8)], [], '    and nothing else');
is(scalar(grep { ($_->{text} // '')
    =~ m{the home "/" can't be listed: the server has cut the list} }
    $s->all()), 1, '    the log says once that it is cut');
$s->stop();


sub names { join(',', map { m{/book/(\w+)\.vcf} ? $1 : $_ } @_) || '-' }
