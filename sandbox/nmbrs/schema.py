"""The part of the vendor's SOAP contract that the sandbox serves, as data.

Names, order and spelling are the vendor's (RunID beside RunId, paymentDate, intYear, ID beside Id). The WSDLs, the
parser and the writer all use these tables, so they cannot disagree.
"""

from dataclasses import dataclass

NAMESPACE = "https://api.nmbrs.nl/soap/v3/"

PRIMITIVES = {"int", "string", "boolean", "dateTime"}

ENUMS = {
    "LoonaangifteTijdvak": ("None", "Month", "Week4", "Month6", "Year"),
    "BankAccountType": (
        "None",
        "Bankrekening1",
        "Spaarloon",
        "Bankrekening2",
        "Bankrekening3",
        "Bankrekening4",
        "Bankrekening5",
        "Standaard",
        "Levensloop",
    ),
    "Gender": ("undefined", "unknown", "male", "female"),
}


@dataclass(frozen=True)
class Field:
    """One element of a sequence: a primitive, an enumeration or another type of the service."""

    name: str
    type: str = "string"
    many: bool = False
    nillable: bool = False

    @property
    def is_value(self) -> bool:
        """Return whether it is a .NET value type, which is always present; strings and classes may be absent."""
        return self.type in PRIMITIVES - {"string"} or self.type in ENUMS

    @property
    def min_occurs(self) -> int:
        return 1 if self.is_value and not self.many else 0


@dataclass(frozen=True)
class Operation:
    """A call: its parameters in order, its result type and its authentication header."""

    name: str
    parameters: tuple[Field, ...] = ()
    result: str = "string"
    header: str = "AuthHeaderWithDomain"
    documentation: str = ""

    @property
    def result_field(self) -> Field:
        return Field(f"{self.name}Result", self.result)


@dataclass(frozen=True, eq=False)
class Service:
    """One .asmx: its types, and its operations by name."""

    name: str
    types: dict[str, tuple[Field, ...]]
    operations: dict[str, Operation]

    @property
    def namespace(self) -> str:
        return NAMESPACE + self.name


def fields(text: str) -> tuple[Field, ...]:
    """Parse `"Id:int Name Events:Event*"` to fields; `*` is repeated, `?` is nillable."""
    made = []
    for word in text.split():
        name, _, kind = word.partition(":")
        made.append(Field(name, kind.rstrip("*?") or "string", kind.endswith("*"), kind.endswith("?")))
    return tuple(made)


def arrays(*names: str) -> dict[str, tuple[Field, ...]]:
    """Return the vendor's ArrayOfX types: any number of nillable X."""
    return {f"ArrayOf{name}": (Field(name, name, many=True, nillable=True),) for name in names}


def operations(*rows: tuple[str, str, str, str]) -> dict[str, Operation]:
    """Return operations by name, from rows of (name, parameters, result, documentation)."""
    return {row[0]: Operation(row[0], fields(row[1]), row[2], documentation=row[3]) for row in rows}


AUTH_TYPES = {
    "AuthHeader": fields("Username Token"),
    "AuthHeaderWithDomain": fields("Username Token Domain"),
}
BANK_ACCOUNT = fields("Id:int Number Description IBAN BIC City Name Type:BankAccountType")

DEBTOR = Service(
    "DebtorService",
    types=AUTH_TYPES
    | {
        "Environment": fields("Domain SubDomain"),
        "Debtor": fields("Id:int Number Name"),
        "BankAccount": BANK_ACCOUNT,
        "Event": fields("EventId:int EventName Active:boolean"),
        # A public client reads the events of a setting from `Event`, and sends them in `Events` inside a nested
        # WebhookSetting; the vendor's WSDL is not public.
        "WebhookSetting": fields("WebhookSettingId:int Name Endpoint Active:boolean Event:Event*"),
        "WebhookSettingInsert": fields("WebhookSetting:WebhookSettingBody"),
        "WebhookSettingBody": fields("Name Endpoint Active:boolean Events:EventChoice*"),
        "EventChoice": fields("EventId:int Active:boolean"),
    }
    | arrays("Debtor", "Event", "WebhookSetting"),
    operations={
        "Environment_Get": Operation(
            "Environment_Get", (), "Environment", "AuthHeader", "Returns the domain of a username and token"
        )
    }
    | operations(
        ("List_GetAll", "", "ArrayOfDebtor", "Returns all debtors"),
        ("List_GetByNumber", "Number", "ArrayOfDebtor", "Returns the debtors with a number"),
        ("Debtor_Get", "DebtorId:int", "Debtor", "Returns one debtor"),
        ("Debtor_IsOwner", "", "boolean", "Is the user an owner of the environment"),
        ("BankAccount_Get", "DebtorId:int", "BankAccount", "Returns the debtor's bank account"),
        ("WebhookSettings_GetEvents", "", "ArrayOfEvent", "Returns all webhook events"),
        ("WebhookSettings_Get", "DebtorId:int", "ArrayOfWebhookSetting", "Returns a debtor's webhooks"),
        (
            "WebhookSettings_Insert",
            "DebtorId:int WebhookSetting:WebhookSettingInsert",
            "int",
            "Inserts a webhook, returns its id",
        ),
        ("WebhookSettings_Delete", "DebtorId:int WebhookSettingId:int", "boolean", "Deletes a webhook"),
    ),
)

COMPANY = Service(
    "CompanyService",
    types=AUTH_TYPES
    | {
        "Company": fields(
            "ID:int Number:int Name PhoneNumber FaxNumber Email Website LoonaangifteTijdvak:LoonaangifteTijdvak KvkNr"
        ),
        "BankAccount": BANK_ACCOUNT,
        "RunInfo": fields(
            "ID:int Number:int Year:int PeriodStart:int PeriodEnd:int Description RunAt:dateTime IsLocked:boolean"
        ),
        "EmployeeIdNumber": fields("EmployeeId:int EmployeeNumber:int"),
        "WageTax": fields(
            "LoonaangifteID:int SerialNumber:int PaymentReference TotalGeneral:int Period:int Year:int "
            "Status SentAt:dateTime TijdvakStart:dateTime TijdvakEnd:dateTime "
            "CorrectionTijdvakStart:dateTime? CorrectionTijdvakEnd:dateTime?"
        ),
        "IntToGuid": fields("Entity Mappings:ArrayOfMapping"),
        "Mapping": fields("IdInt:int IdGuid"),
    }
    | arrays("Company", "RunInfo", "EmployeeIdNumber", "WageTax", "Mapping"),
    operations=operations(
        ("List_GetAll", "", "ArrayOfCompany", "Returns all companies"),
        ("List_GetByDebtor", "DebtorId:int", "ArrayOfCompany", "Returns the companies of a debtor"),
        ("Company_GetCurrentPeriod", "CompanyId:int", "string", "Returns the current period, yyyy-pp-type"),
        ("BankAccount_GetCurrent", "CompanyId:int", "BankAccount", "Returns the company's bank account"),
        ("Run_GetList", "CompanyId:int Year:int", "ArrayOfRunInfo", "Returns the runs of a year"),
        (
            "Run_GetEmployeesByRunCompany",
            "CompanyId:int RunId:int Year:int",
            "ArrayOfEmployeeIdNumber",
            "Returns the employees in a run",
        ),
        (
            "SalaryDocuments_GetSEPA",
            "CompanyId:int RunID:int Year:int paymentDate:dateTime",
            "string",
            "Get SEPA file",
        ),
        (
            "SalaryDocuments_GetSEPA_Tax",
            "CompanyId:int RunID:int Year:int WageTaxID:int paymentDate:dateTime",
            "string",
            "Get SEPA Tax file",
        ),
        ("WageTax_GetList", "CompanyId:int intYear:int", "ArrayOfWageTax", "Returns the wage tax returns"),
        (
            "Converter_GetByCompany_IntToGuid",
            "Entity CompanyId:int",
            "IntToGuid",
            "Returns the GUIDs of an entity's ids: Employee, Company or Debtor",
        ),
    ),
)

EMPLOYEE = Service(
    "EmployeeService",
    types=AUTH_TYPES
    | {
        "Employee": fields("Id:int Number:int DisplayName"),
        "EmployeeTypeItem": fields("Id:int Description"),
        "BankAccount": BANK_ACCOUNT,
        "PersonalInfoItem": fields("EmployeeId:int EmployeePersonalInfos:ArrayOfPersonalInfo_V2"),
        "PersonalInfo_V2": fields(
            "Id:int DisplayName EmployeeNumber:int Title FirstName Initials Prefix LastName Nickname "
            "Gender:Gender NationalityCode:int PlaceOfBirth CountryOfBirthISOCode IdentificationNumber "
            "IdentificationType:int PartnerPrefix PartnerLastName TelephonePrivate TelephoneWork "
            "TelephoneMobilePrivate TelephoneMobileWork TelephoneOther EmailPrivate EmailWork "
            "BurgerlijkeStaat:int Naamstelling:int Birthday:dateTime? CreationDate:dateTime? StartPeriod:int "
            "StartYear:int"
        ),
    }
    | arrays("Employee", "EmployeeTypeItem", "BankAccount", "PersonalInfoItem", "PersonalInfo_V2"),
    operations=operations(
        ("List_GetByCompany", "CompanyId:int EmployeeType:int", "ArrayOfEmployee", "Returns the employees"),
        ("EmployeeType_GetList", "", "ArrayOfEmployeeTypeItem", "Returns the employee types"),
        (
            "BankAccount_GetListCurrent",
            "EmployeeId:int",
            "ArrayOfBankAccount",
            "Returns an employee's bank accounts",
        ),
        (
            "PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany",
            "CompanyID:int",
            "ArrayOfPersonalInfoItem",
            "Returns the personal information of all employees, without BSN",
        ),
    ),
)

SERVICES = {service.name: service for service in (DEBTOR, COMPANY, EMPLOYEE)}
