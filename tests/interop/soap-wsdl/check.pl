# SOAP::WSDL for Perl with the classes that wsdl2perl makes of ?wsdl. It sends texts as bytes.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
binmode STDOUT, ':encoding(UTF-8)';

# Runs one check, prints its result and returns what the check returns.
sub column {
    my ($name, $check) = @_;
    my $returned = eval { $check->() };
    my $reason = $@;
    if ($reason) {
        $reason =~ s/\s+/ /g;
        print 'FAIL soap-wsdl ', $name, ': ', substr($reason, 0, 300), "\n";
        return;
    }
    print "PASS soap-wsdl $name\n";
    return $returned;
}

sub equal {
    my ($found, $wanted) = @_;
    die "$found, not $wanted" if $found ne $wanted;
}

# The entries of an element that may be absent, single or repeated.
sub entries {
    my ($found) = @_;
    return ref $found eq 'ARRAY' ? @$found : defined $found ? $found : ();
}

my ($url) = @ARGV;
my $service = column('generate', sub {
    require MyInterfaces::ChaingunUserAPIService::ChaingunUserAPIPort;
    my $made = MyInterfaces::ChaingunUserAPIService::ChaingunUserAPIPort->new({ proxy => $url });
    $made->get_transport->default_header('Accept-Language' => 'en');
    return $made;
}) or exit;

sub call {
    my ($operation, $request) = @_;
    my $answer = $service->$operation({ request => { requestMeta => { clientHashKey => 'demo-hash-key' }, %$request } });
    die 'fault: ', $answer->get_faultstring if !$answer;
    return $answer->get_response;
}

sub successful {
    my $response = call(@_);
    equal($response->get_status->get_code, 0);
    return $response;
}

column('findUsers', sub {
    my $found = successful('findUsers', { userName => 'MAKI', limit => 5 });
    equal(join(' ', $found->get_total, map { $_->get_userName } entries($found->get_users)), '1 hakapeszimaki');
});
column('showUser', sub {
    my $user = successful('showUser', { userName => 'mokamiki' })->get_user;
    my $fields = join '|', $user->get_clientName, $user->get_email, $user->get_name, $user->get_organizationalUnit,
        $user->get_status, $user->get_userName, scalar entries($user->get_roles);
    equal($fields, 'Default|moka.miklos@dbx.hu|Móka Miklós|zsebtv|ACTIVE|mokamiki|2');
});
column('createUser', sub {
    my $made = successful('createUser', { user => {
        clientName => 'Default', email => 'perl@dbx.hu', name => encode_utf8('Pörl Ű'), roles => { role => ['a', 'b'] },
        userName => 'perl',
    } })->get_user;
    equal(join('|', $made->get_name, $made->get_status, $made->get_userName), 'Pörl Ű|UNACTIVATED|perl');
});
column('modifyUser', sub {
    my $user = { organizationalUnit => 'pl', status => 'ACTIVE', userName => 'perl' };
    my $changed = successful('modifyUser', { user => $user })->get_user;
    equal(join('|', $changed->get_organizationalUnit, $changed->get_status, $changed->get_name), 'pl|ACTIVE|Pörl Ű');
});
column('registerUser', sub {
    my $name = encode_utf8('Pörl');
    successful('registerUser', { username => 'perl-r', password => 'ValaKi1234', name => $name, email => 'r-perl@dbx.hu' });
});
column('resetPassword', sub { successful('resetPassword', { userNameOrEmail => 'perl' }) });
column('changePassword', sub {
    successful('changePassword', { oldPassword => 'passWORD123', password => 'passWORD123', userName => 'hakapeszimaki' });
});
column('authenticate', sub {
    my $in = successful('authenticate', { password => 'MokaMiki-1234', userNameOrEmail => 'mokamiki' });
    equal($in->get_user->get_userName, 'mokamiki');
});
column('lists', sub {
    my $request = { userName => 'ki', statuses => { status => ['ACTIVE', 'INACTIVE'] } };
    my @users = entries(successful('findUsers', $request)->get_users);
    my @roles = map { join ' ', $_->get_userName, entries($_->get_roles) } @users;
    equal(join('|', @roles), 'hakapeszimaki csokifogyaszto|mokamiki majomidomar csokidealer');
    my $user = { roles => { role => ['c', 'd'] }, userName => 'perl' };
    equal(join(' ', entries(successful('modifyUser', { user => $user })->get_user->get_roles->get_role)), 'c d');
});
column('params', sub {
    my $request = { password => 'passWORD123', userNameOrEmail => 'hakapeszimaki' };
    my $choice = call('authenticate', $request);
    equal(join(' ', $choice->get_status->get_code, map { $_->get_key } entries($choice->get_params)), '2 GRANTED_ORGS');
    my $params = { param => [{ key => 'OTHER', value => 'x' }, { key => 'USER_ORG_UUID', value => 'moby' }] };
    my ($token) = entries(successful('authenticate', { %$request, params => $params })->get_params);
    equal($token->get_key, 'P_AUTH_TOKEN');
    equal(substr($token->get_value, 0, 4), 'JWT ');
});
column('refusal', sub {
    my $status = call('showUser', { userName => 'nobody' })->get_status;
    my ($message) = entries($status->get_messages->get_message);
    equal(join(' ', $status->get_code, $message->get_severity, $message->get_code), '2 ERROR USER_NOT_FOUND');
    die 'no description' if !length $message->get_description;
});
column('fault', sub {
    my $answer = $service->showUser({ request => { userName => 'a' x 70_000 } });
    die 'no fault' if $answer;
    die $answer->get_faultcode if $answer->get_faultcode !~ /Client/;
    die 'no text' if !length $answer->get_faultstring;
});
